package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// benchmark is an entry of github-action-benchmark's custom JSON.
type benchmark struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Range string  `json:"range,omitempty"`
	Extra string  `json:"extra,omitempty"`
}

// WriteBenchmark writes the figures of all candidates for github-action-benchmark with tool customSmallerIsBetter:
// those of which more is better are left out, but for same_top, which becomes the share of tokens that changed.
func WriteBenchmark(w io.Writer, r *report.Report) error {
	out := []benchmark{}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		for _, f := range figures(r, c) {
			if f.Name == "same_top" {
				f.Name, f.value, f.Higher = "changed_top", 1-f.value, false
			}
			if f.Higher {
				continue
			}
			b := benchmark{Name: c.Name + ": " + f.id(), Unit: f.Unit, Value: f.value, Extra: c.SHA256}
			if f.ci != nil {
				b.Range = "± " + fmt.Sprintf("%.3g", (f.ci.High-f.ci.Low)/2)
			}
			out = append(out, b)
		}
	}
	return writeJSON(w, out)
}

// Limits of MLflow's runs/log-batch.
const (
	mlflowMetrics = 800 // with parameters and tags no more than 1000
	mlflowKey     = 250
)

type (
	mlflowBatch struct {
		RunID   string         `json:"run_id"`
		Metrics []mlflowMetric `json:"metrics"`
		Params  []mlflowPair   `json:"params"`
		Tags    []mlflowPair   `json:"tags"`
	}
	mlflowMetric struct {
		Key       string  `json:"key"`
		Value     float64 `json:"value"`
		Timestamp int64   `json:"timestamp"`
		Step      int64   `json:"step"`
	}
	mlflowPair struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
)

// WriteMLflow writes the judged candidate's figures as the body of MLflow's runs/log-batch. The run's id and the
// time are the caller's to fill in: run_id is empty and every timestamp 0. Slices beyond MLflow's limit are left out.
func WriteMLflow(w io.Writer, r *report.Report) error {
	c := judged(r)
	if c == nil {
		return fmt.Errorf("%w: the report has no candidate", ErrNoStatement)
	}
	b := mlflowBatch{Metrics: []mlflowMetric{}, Params: []mlflowPair{}, Tags: []mlflowPair{}}
	seen := map[string]int{}
	for _, f := range figures(r, c) {
		key := mlflowName(f.id())
		if seen[key]++; seen[key] > 1 {
			key = cut(key, mlflowKey-8) + fmt.Sprintf("_%d", seen[key])
		}
		if len(b.Metrics) < mlflowMetrics {
			b.Metrics = append(b.Metrics, mlflowMetric{Key: key, Value: f.value})
		}
	}
	param := func(key, value string) { b.Params = append(b.Params, mlflowPair{key, cut(value, 500)}) }
	param("candidate", c.Name)
	param("file_type", c.FileType)
	param("architecture", c.Architecture)
	param("ctx", fmt.Sprint(r.Protocol.Context))
	param("compute", r.Protocol.Whole().Compute)
	param("kv_type", r.Protocol.Whole().KVType)
	tag := func(key, value string) { b.Tags = append(b.Tags, mlflowPair{key, cut(value, 5000)}) }
	tag("carat.version", r.Tool.Version)
	tag("carat.artifact_sha256", c.SHA256)
	if r.Reference != nil {
		tag("carat.reference_sha256", r.Reference.SHA256)
	}
	if g := r.Gate; g != nil {
		param("policy", g.Policy)
		tag("carat.verdict", g.Verdict)
		tag("carat.policy_sha256", g.PolicySHA256)
	}
	return writeJSON(w, b)
}

// mlflowName keeps what every store of MLflow takes in a key.
func mlflowName(s string) string {
	return cut(strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("_-. /", c):
			return c
		}
		return '_'
	}, s), mlflowKey)
}
