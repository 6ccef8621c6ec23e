package ci

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// WriteCycloneDX writes a CycloneDX 1.6 ML-BOM: the judged artefact as a machine-learning-model with its figures as
// the model card, the reference as its ancestor, the texts as data. There is no timestamp, and the serial number is
// made of the content.
func WriteCycloneDX(w io.Writer, r *report.Report) error {
	c := judged(r)
	if c == nil {
		return fmt.Errorf("%w: the report has no candidate", ErrNoStatement)
	}
	model := cdxModel(&c.Model)
	model.Ref = "model"
	model.Card = &cdxCard{Analysis: cdxAnalysis{Metrics: cdxMetrics(r, c)}}
	model.Card.Parameters.Architecture = c.Architecture
	if r.Reference != nil {
		model.Pedigree = &cdxPedigree{Ancestors: []cdxComponent{cdxModel(r.Reference)},
			Notes: "Quantized to " + c.FileType + "; the figures of the model card compare with the ancestor."}
	}
	if g := r.Gate; g != nil {
		model.Properties = append(model.Properties, cdxProperty{"carat:verdict", g.Verdict}, cdxProperty{"carat:policy", g.Policy},
			cdxProperty{"carat:policy_sha256", g.PolicySHA256})
	}
	bom := cdxBOM{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: cdxMetadata{
			Tools:     cdxTools{[]cdxComponent{{Type: "application", Name: r.Tool.Name, Version: r.Tool.Version}}},
			Component: model,
		},
		Components: []cdxComponent{},
	}
	for i, d := range r.Data {
		ref := fmt.Sprintf("text-%d", i)
		model.Card.Parameters.Datasets = append(model.Card.Parameters.Datasets, cdxRef{ref})
		bom.Components = append(bom.Components, cdxData(ref, d.Name, "evaluation text", d.SHA256))
	}
	if k := r.Calibration; k != nil {
		model.Card.Parameters.Datasets = append(model.Card.Parameters.Datasets, cdxRef{"calibration"})
		bom.Components = append(bom.Components, cdxData("calibration", k.File, "calibration text", k.SHA256))
	}
	var content bytes.Buffer
	if err := writeJSON(&content, bom); err != nil {
		return err
	}
	bom.Serial = "urn:uuid:" + uuid5(content.Bytes())
	return writeJSON(w, bom)
}

func cdxModel(m *report.Model) cdxComponent {
	c := cdxComponent{Type: "machine-learning-model", Name: m.Name, Description: m.Title, Hashes: cdxHashes(m.SHA256)}
	c.Properties = []cdxProperty{
		{"carat:file_type", m.FileType}, {"carat:bytes", fmt.Sprint(m.Bytes)},
		{"carat:parameters", fmt.Sprint(m.Parameters)}, {"carat:bits_per_weight", number(m.BitsPerWeight)},
	}
	return c
}

func cdxData(ref, name, description, sha string) cdxComponent {
	return cdxComponent{Type: "data", Ref: ref, Name: name, Hashes: cdxHashes(sha), Data: []cdxDataset{{"dataset", description}}}
}

func cdxHashes(sha string) []cdxHash {
	if !isSHA256(sha) {
		return nil
	}
	return []cdxHash{{"SHA-256", sha}}
}

func cdxMetrics(r *report.Report, c *report.Candidate) []cdxMetric {
	out := []cdxMetric{}
	for _, f := range figures(r, c) {
		m := cdxMetric{Type: f.Name, Value: number(f.value), Slice: f.slice}
		if f.ci != nil {
			m.Interval = &cdxInterval{number(f.ci.Low), number(f.ci.High)}
		}
		out = append(out, m)
	}
	return out
}

// uuid5 is RFC 9562's name-based UUID of content in the namespace of URLs, below the project's page.
func uuid5(content []byte) string {
	h := sha1.New()
	h.Write([]byte("\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8" + Home + "#"))
	h.Write(content)
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	parts := []string{fmt.Sprintf("%x", u[:4]), fmt.Sprintf("%x", u[4:6]), fmt.Sprintf("%x", u[6:8]), fmt.Sprintf("%x", u[8:10]), fmt.Sprintf("%x", u[10:])}
	return strings.Join(parts, "-")
}

type (
	cdxBOM struct {
		Format     string         `json:"bomFormat"`
		Spec       string         `json:"specVersion"`
		Serial     string         `json:"serialNumber,omitempty"`
		Version    int            `json:"version"`
		Metadata   cdxMetadata    `json:"metadata"`
		Components []cdxComponent `json:"components"`
	}
	cdxMetadata struct {
		Tools     cdxTools     `json:"tools"`
		Component cdxComponent `json:"component"`
	}
	cdxTools struct {
		Components []cdxComponent `json:"components"`
	}
	cdxComponent struct {
		Type        string        `json:"type"`
		Ref         string        `json:"bom-ref,omitempty"`
		Name        string        `json:"name"`
		Version     string        `json:"version,omitempty"`
		Description string        `json:"description,omitempty"`
		Hashes      []cdxHash     `json:"hashes,omitempty"`
		Pedigree    *cdxPedigree  `json:"pedigree,omitempty"`
		Card        *cdxCard      `json:"modelCard,omitempty"`
		Data        []cdxDataset  `json:"data,omitempty"`
		Properties  []cdxProperty `json:"properties,omitempty"`
	}
	cdxHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	cdxPedigree struct {
		Ancestors []cdxComponent `json:"ancestors"`
		Notes     string         `json:"notes,omitempty"`
	}
	cdxProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxDataset struct {
		Type        string `json:"type"`
		Description string `json:"description"`
	}
	cdxRef struct {
		Ref string `json:"ref"`
	}
	cdxCard struct {
		Parameters struct {
			Architecture string   `json:"modelArchitecture,omitempty"`
			Datasets     []cdxRef `json:"datasets,omitempty"`
		} `json:"modelParameters"`
		Analysis cdxAnalysis `json:"quantitativeAnalysis"`
	}
	cdxAnalysis struct {
		Metrics []cdxMetric `json:"performanceMetrics"`
	}
	cdxMetric struct {
		Type     string       `json:"type"`
		Value    string       `json:"value"`
		Slice    string       `json:"slice,omitempty"`
		Interval *cdxInterval `json:"confidenceInterval,omitempty"`
	}
	cdxInterval struct {
		Lower string `json:"lowerBound"`
		Upper string `json:"upperBound"`
	}
)
