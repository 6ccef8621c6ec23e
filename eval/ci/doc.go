// Package ci tells the systems around a build what a report says: a CI run, a registry of models, a verifier.
//
// Everything is made from a [report.Report] and has the same bytes for the same report and environment:
//
//	ci.GitHub(os.Getenv, os.Stdout, r, ci.GitHubOptions{...})  what the GITHUB_* variables ask for: annotations,
//	                                step summary, outputs, the body of a pull request's comment
//	ci.WriteSARIF(w, r)             SARIF 2.1.0: structural findings only, never figures
//	ci.WriteStatements(w, r, run)   in-toto statements, one a line (.intoto.jsonl): "test-result" and, when this run built
//	                                the artefact, "SLSA provenance"
//	ci.WriteCycloneDX(w, r)         CycloneDX 1.6 ML-BOM
//	ci.WriteBenchmark(w, r)         github-action-benchmark, customSmallerIsBetter
//	ci.WriteMLflow(w, r)            body of MLflow's runs/log-batch
//
// Names of models, slices, gates and tensors come from files that others wrote. Each output escapes them by its own
// rules, so that no name can end a workflow command, an output's value, an HTML comment or a URI.
//
// The statements are not signed here; docs/ci.md shows how to sign them with cosign.
package ci

import (
	"encoding/json"
	"io"
	"regexp"

	"github.com/carat-llm/carat/eval/report"
)

// Home is the project's page, which outputs name as the tool's.
const Home = "https://github.com/carat-llm/carat"

// Render draws a report: page.Markdown.
type Render func(w io.Writer, r *report.Report) error

// judged is the candidate that the gate judged, or else the first that is not a control; nil when there is none.
func judged(r *report.Report) *report.Candidate {
	var first *report.Candidate
	for i := range r.Candidates {
		c := &r.Candidates[i]
		if r.Gate != nil && c.Name == r.Gate.Candidate {
			return c
		}
		if first == nil && c.Role == "" {
			first = c
		}
	}
	return first
}

// writeJSON writes v indented, with a line feed at its end.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

var hex256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// isSHA256 tells a digest from an empty or foreign string, which no output may state as one.
func isSHA256(s string) bool { return hex256.MatchString(s) }
