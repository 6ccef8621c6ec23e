package ci

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// WriteSARIF writes the findings as SARIF 2.1.0 (OASIS), for code scanning. Figures are no findings: a gate that a
// figure fails is in the JUnit file and the annotations.
func WriteSARIF(w io.Writer, r *report.Report) error {
	run := sarifRun{
		Tool:    sarifTool{sarifDriver{Name: r.Tool.Name, Version: r.Tool.Version, InformationURI: Home, Rules: []sarifRule{}}},
		Results: []sarifResult{},
	}
	artifact := map[string]int{}
	add := func(m *report.Model) {
		if _, ok := artifact[m.Name]; ok || m.Name == "" {
			return
		}
		artifact[m.Name] = len(run.Artifacts)
		a := sarifArtifact{Location: sarifURI{URI: relativeURI(m.Name)}, Length: m.Bytes}
		if isSHA256(m.SHA256) {
			a.Hashes = map[string]string{"sha-256": m.SHA256}
		}
		run.Artifacts = append(run.Artifacts, a)
	}
	for i := range r.Candidates {
		add(&r.Candidates[i].Model)
	}
	if r.Reference != nil {
		add(r.Reference)
	}
	rule := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if _, ok := rule[f.Rule]; !ok {
			rule[f.Rule] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
				ID: f.Rule, ShortDescription: sarifText{describe(f.Rule)}, DefaultConfiguration: sarifConfiguration{sarifLevel(f.Level)},
			})
		}
		run.Results = append(run.Results, sarifFinding(f, rule[f.Rule], artifact))
	}
	return writeJSON(w, sarifLog{Version: "2.1.0", Schema: "https://json.schemastore.org/sarif-2.1.0.json", Runs: []sarifRun{run}})
}

func sarifFinding(f *report.Finding, rule int, artifact map[string]int) sarifResult {
	at := sarifURI{URI: relativeURI(f.Model)}
	if i, ok := artifact[f.Model]; ok {
		at.Index = &i
	}
	l := sarifLocation{Physical: sarifPhysical{at}}
	switch {
	case f.Tensor != "":
		l.Logical = []sarifLogical{{Name: f.Tensor, QualifiedName: f.Model + "/" + f.Tensor, Kind: "object"}}
	case f.Key != "":
		l.Logical = []sarifLogical{{Name: f.Key, QualifiedName: f.Model + "/" + f.Key, Kind: "property"}}
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Rule, f.Model, f.Tensor, f.Key}, "\x00")))
	return sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: sarifLevel(f.Level), Message: sarifText{where(f) + f.Message},
		Locations: []sarifLocation{l}, Fingerprints: map[string]string{"carat/v1": hex.EncodeToString(sum[:])},
	}
}

func sarifLevel(level string) string {
	if level == report.Warn {
		return "warning"
	}
	return "error"
}

// ruleTexts describe findings; a rule that is not here is described by its own name.
var ruleTexts = map[string]string{
	"chat-template-missing": "The source has a chat template and the model has none.",
	"tokenizer-mismatch":    "The model's tokenizer is not the reference's.",
	"tensor-zero":           "All values of a tensor are zero.",
	"tensor-nonfinite":      "A tensor has values that are not finite.",
	"tensor-missing":        "A tensor of the reference is not in the model.",
	"tensor-shape":          "A tensor has not the reference's shape.",
	"tensor-mismatch":       "A tensor is not what quantizing the reference's gives.",
}

func describe(rule string) string {
	if s, ok := ruleTexts[rule]; ok {
		return s
	}
	s := strings.ReplaceAll(rule, "-", " ") + "."
	return strings.ToUpper(s[:1]) + s[1:]
}

// relativeURI is the reference to a file of that name; a ":" in it does not make a scheme of what stands before.
func relativeURI(name string) string { return (&url.URL{Path: name}).String() }

type (
	sarifLog struct {
		Version string     `json:"version"`
		Schema  string     `json:"$schema"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool      sarifTool       `json:"tool"`
		Artifacts []sarifArtifact `json:"artifacts,omitempty"`
		Results   []sarifResult   `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string             `json:"id"`
		ShortDescription     sarifText          `json:"shortDescription"`
		DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifArtifact struct {
		Location sarifURI          `json:"location"`
		Length   int64             `json:"length"`
		Hashes   map[string]string `json:"hashes,omitempty"`
	}
	sarifURI struct {
		URI   string `json:"uri"`
		Index *int   `json:"index,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifURI `json:"artifactLocation"`
	}
	sarifLogical struct {
		Name          string `json:"name"`
		QualifiedName string `json:"fullyQualifiedName"`
		Kind          string `json:"kind"`
	}
)
