package report

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/latency"
)

// decoding is the test of decoding speed with an empty cache, and prefill that of the prompt; nil where there is none.
func decoding(l *latency.Result) *latency.Test { return testOf(l, "tg") }
func prefill(l *latency.Result) *latency.Test  { return testOf(l, "pp") }

func testOf(l *latency.Result, prefix string) *latency.Test {
	if l == nil {
		return nil
	}
	for i, t := range l.Tests {
		if strings.HasPrefix(t.Name, prefix) && !strings.Contains(t.Name, "+") && t.Depth == 0 && t.TokensPerSecond.Median > 0 {
			return &l.Tests[i]
		}
	}
	return nil
}

// paired says that the candidate was measured against a reference.
func (c *Candidate) paired() bool { return c.Metrics != nil && c.Metrics.Comparison != nil }

// focus is the candidate that the report is about: the gate's, the first one that is no control, or the first; nil
// when there is none.
func (r *Report) focus() *Candidate {
	if r.Gate != nil {
		if c := r.Candidate(r.Gate.Candidate); c != nil {
			return c
		}
	}
	for i := range r.Candidates {
		if r.Candidates[i].Role == "" {
			return &r.Candidates[i]
		}
	}
	if len(r.Candidates) > 0 {
		return &r.Candidates[0]
	}
	return nil
}

// any says that some candidate has it.
func (r *Report) any(has func(c *Candidate) bool) bool {
	for i := range r.Candidates {
		if has(&r.Candidates[i]) {
			return true
		}
	}
	return false
}

// scored is "1512 tokens scored in 24 chunks of 128".
func (r *Report) scored(c *Candidate) string {
	if c == nil || c.Metrics == nil {
		return "nothing was scored"
	}
	p := c.Metrics.Perplexity
	s := fmt.Sprintf("%d tokens scored in %s of %d", p.Tokens, count(len(p.Chunks), "chunk"), r.Protocol.Context)
	if r.Protocol.Stride > 0 {
		s += fmt.Sprintf(", every %d tokens", r.Protocol.Stride)
	}
	return s
}

// about is "Q4_K_M, 81.6 MB, 4.850 bits per weight", as far as it is known.
func (m *Model) about() string {
	var s []string
	if m.FileType != "" {
		s = append(s, clean(m.FileType))
	}
	if m.Bytes > 0 {
		s = append(s, size(float64(m.Bytes)))
	}
	if m.BitsPerWeight > 0 {
		s = append(s, fmt.Sprintf("%.3f bits per weight", m.BitsPerWeight))
	}
	return strings.Join(s, ", ")
}
