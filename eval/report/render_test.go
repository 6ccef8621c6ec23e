package report

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// renderers are all of them, by the end of their golden files' names.
var renderers = []struct {
	suffix string
	render func(io.Writer, *Report) error
}{
	{"txt", func(w io.Writer, r *Report) error { return Terminal(w, r, false) }},
	{"md", Markdown},
}

func TestGoldenRenderers(t *testing.T) {
	for name, r := range map[string]*Report{"sample": sample(), "single": single()} {
		for _, x := range renderers {
			var b bytes.Buffer
			require.NoError(t, x.render(&b, r))
			golden(t, name+"."+x.suffix, b.Bytes())
		}
	}
}

// TestColours: colours change nothing but the colours.
func TestColours(t *testing.T) {
	var plain, color bytes.Buffer
	require.NoError(t, Terminal(&plain, sample(), false))
	require.NoError(t, Terminal(&color, sample(), true))
	require.NotContains(t, plain.String(), "\x1b")
	s := color.String()
	for _, c := range []string{"1;31", bold, dim, red, green, yellow, "0"} {
		require.Contains(t, s, "\x1b["+c+"m")
		s = strings.ReplaceAll(s, "\x1b["+c+"m", "")
	}
	require.Equal(t, plain.String(), s)
}

// hostile is a report all of whose strings are an attack.
func hostile(attack string) *Report {
	r := sample()
	r.Candidates[0].Name, r.Gate.Candidate = attack, attack
	for i := range r.Comparisons {
		if r.Comparisons[i].A == "smollm2-Q4_K_M.gguf" {
			r.Comparisons[i].A = attack
		}
	}
	for i := range r.Data {
		if r.Data[i].Name == r.Candidates[0].WorstSlice {
			r.Data[i].Name = attack
		}
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		c.FileType, c.Architecture, c.Title, c.Failure = attack, attack, attack, attack
		for j := range c.Slices {
			if c.Slices[j].Name == c.WorstSlice {
				c.Slices[j].Name = attack
			}
		}
		c.WorstSlice = attack
		for j := range c.Tensors {
			c.Tensors[j].Name, c.Tensors[j].Role, c.Tensors[j].Type = attack, attack, attack
		}
		for j := range c.Tasks {
			c.Tasks[j].Task, c.Tasks[j].Data = attack, attack
		}
		c.Latency.CPU, c.Latency.Tests[0].Name = attack, attack
	}
	g := r.Gate
	g.Policy, g.Profile = attack, attack
	for i := range g.Gates {
		x := &g.Gates[i]
		x.ID, x.Metric, x.Slice, x.Versus, x.Message = attack, attack, attack, attack, attack
	}
	g.Waivers[0].Reason, g.Waivers[0].Gate = attack, attack
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Rule, f.Model, f.Tensor, f.Key, f.Message = attack, attack, attack, attack, attack
	}
	r.Tool.Version, r.Reference.Name, r.Reference.Title, r.Protocol.Stored = attack, attack, attack, attack
	r.Calibration.Worst, r.Calibration.Excerpt, r.Calibration.File = attack, attack, attack
	return r
}

func TestTerminalShowsNoControlCharacters(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Terminal(&b, hostile("\x1b]0;x\x07\u202e\n::error::x"), false))
	require.NotContains(t, b.String(), "\x1b")
	require.NotContains(t, b.String(), "\u202e")
	require.NotContains(t, b.String(), "\n::error")
}

func TestMarkdownShowsNoMarkup(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, hostile("</details><img src=x>|@all `x` [a](https://e.com)\n# x")))
	s := b.String()
	for _, bad := range []string{"<img", "@all", "https://", "\n# x"} {
		require.False(t, strings.Contains(s, bad), bad)
	}
	require.Equal(t, strings.Count(s, "<details>"), strings.Count(s, "</details>"))
	require.Equal(t, strings.Count(s, "<details>"), strings.Count(s, "<summary>"))
}

func TestMarkdownFitsAStepSummary(t *testing.T) {
	r := sample()
	c := &r.Candidates[0]
	for i := range 20_000 {
		c.Tensors = append(c.Tensors, Tensor{Name: "x", Role: strings.Repeat("x", 100) + string(rune(0x4e00+i)), Layer: -1})
	}
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, r))
	require.Less(t, b.Len(), 1<<20)
	require.Contains(t, b.String(), "rows more")
	require.True(t, strings.HasSuffix(b.String(), "</details>\n\n"))
}

// TestSparseReports: every part of a report may be missing.
func TestSparseReports(t *testing.T) {
	cut := []func(r *Report){
		func(r *Report) { r.Candidates, r.Comparisons, r.Gate = nil, nil, nil },
		func(r *Report) { r.Reference, r.Data, r.Calibration = nil, nil, nil },
		func(r *Report) { r.Gate.Gates = nil },
		func(r *Report) { r.Gate.Candidate = "" },
		func(r *Report) {
			for i := range r.Candidates {
				r.Candidates[i].Metrics, r.Candidates[i].Slices, r.Candidates[i].Chunks = nil, nil, nil
			}
		},
		func(r *Report) {
			for i := range r.Candidates {
				c := &r.Candidates[i]
				c.Metrics.Comparison = nil
				for j := range c.Slices {
					c.Slices[j].Metrics.Comparison = nil
				}
			}
		},
		func(r *Report) {
			for i := range r.Candidates {
				c := &r.Candidates[i]
				c.Bytes, c.BitsPerWeight, c.Latency, c.Tensors = 0, 0, nil, nil
				c.Metrics.Divergence.Mean, c.Metrics.Divergence.CI = 0, nil
			}
		},
		func(r *Report) { r.Candidates = r.Candidates[:1] },
		func(r *Report) { r.Candidates[0].Chunks, r.Candidates[0].Latency.Tests = nil, nil },
	}
	for _, f := range cut {
		r := sample()
		f(r)
		renderAll(t, r)
	}
}

func renderAll(t *testing.T, r *Report) {
	for _, x := range renderers {
		require.NoError(t, x.render(io.Discard, r), x.suffix)
	}
}
