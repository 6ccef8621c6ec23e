package ci

import (
	"fmt"

	"github.com/carat-llm/carat/eval/report"
)

const (
	provenanceType = "https://slsa.dev/provenance/v1"
	buildType      = Home + "/blob/main/docs/ci.md#build-type-gate-v1"
)

type provenance struct {
	Definition buildDefinition `json:"buildDefinition"`
	Details    runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType    string         `json:"buildType"`
	External     map[string]any `json:"externalParameters"`
	Dependencies []resource     `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder  builder        `json:"builder"`
	Metadata *buildMetadata `json:"metadata,omitempty"`
}

type builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

type buildMetadata struct {
	InvocationID string `json:"invocationId"`
}

// provenanceOf is the in-toto Statement v1 with the predicate SLSA provenance v1: what the artefact was built from, by
// whom. It says no more than run does; only a signer outside of the build makes a level of it.
func provenanceOf(r *report.Report, run Run) (*statement, error) {
	s, err := subject(r)
	if err != nil {
		return nil, err
	}
	if !run.Built {
		return nil, fmt.Errorf("%w: %s was not built in this run", ErrNoStatement, s[0].Name)
	}
	c := judged(r)
	p := provenance{
		Definition: buildDefinition{BuildType: buildType, Dependencies: []resource{}},
		Details:    runDetails{Builder: builder{ID: run.Builder, Version: map[string]string{r.Tool.Name: r.Tool.Version}}},
	}
	if p.Details.Builder.ID == "" {
		p.Details.Builder.ID = Home // run by hand: all that is known is the program
	}
	if run.URL != "" {
		p.Details.Metadata = &buildMetadata{run.URL}
	}
	options := run.Parameters
	if options == nil {
		options = map[string]any{}
	}
	p.Definition.External = map[string]any{"command": r.Command, "type": c.FileType, "options": options}
	d := &p.Definition.Dependencies
	if run.Repository != "" && run.Commit != "" {
		*d = append(*d, resource{URI: run.Repository, Digest: map[string]string{"gitCommit": run.Commit}})
	}
	if r.Reference != nil {
		*d = append(*d, resourceOf(r.Reference.Name, r.Reference.SHA256, "source")...)
	}
	if r.Calibration != nil {
		*d = append(*d, resourceOf(r.Calibration.File, r.Calibration.SHA256, "calibration")...)
	}
	if g := r.Gate; g != nil {
		p.Definition.External["policy"] = g.Policy
		*d = append(*d, resourceOf(g.Policy, g.PolicySHA256, "policy")...)
	}
	return &statement{statementType, s, provenanceType, p}, nil
}
