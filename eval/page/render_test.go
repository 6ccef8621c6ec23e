package page

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// renderers are all of them, by the end of their golden files' names.
var renderers = []struct {
	suffix string
	render func(io.Writer, *report.Report) error
}{
	{"txt", func(w io.Writer, r *report.Report) error { return Terminal(w, r, false) }},
	{"md", Markdown},
	{"html", HTML},
	{"svg", SVG},
	{"csv", CSV},
	{"slices.csv", func(w io.Writer, r *report.Report) error { return CSVTable(w, r, "slices") }},
	{"gates.csv", func(w io.Writer, r *report.Report) error { return CSVTable(w, r, "gates") }},
	{"junit.xml", JUnit},
	{"card.md", func(w io.Writer, r *report.Report) error { return CardOf(w, r, "HuggingFaceTB/SmolLM2-135M-Instruct") }},
}

func TestGoldenRenderers(t *testing.T) {
	for name, r := range map[string]*report.Report{"sample": sample(), "single": single()} {
		for _, x := range renderers {
			var b bytes.Buffer
			require.NoError(t, x.render(&b, r))
			if name == "sample" && x.suffix == "html" {
				continue // a quarter of a megabyte that nobody would read; the tests below look at it
			}
			golden(t, name+"."+x.suffix, b.Bytes())
		}
	}
}

// hostile is a report all of whose strings are an attack.
func hostile(attack string) *report.Report {
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
		c.Parity = &parity.Result{Version: attack, Refused: attack}
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

// TestCSV: every table is rectangular, and no cell is a formula.
func TestCSV(t *testing.T) {
	for _, r := range []*report.Report{sample(), single(), hostile("=1+1")} {
		for _, table := range Tables {
			var b bytes.Buffer
			require.NoError(t, CSVTable(&b, r, table))
			rows, err := csv.NewReader(&b).ReadAll()
			require.NoError(t, err, "as many cells in every row")
			for _, row := range rows {
				for _, c := range row {
					require.False(t, strings.HasPrefix(c, "=1"), table)
				}
			}
		}
	}
	require.ErrorContains(t, CSVTable(io.Discard, sample(), "x"), "candidates, slices, tensors")
}

func TestJUnitCounts(t *testing.T) {
	r := sample()
	r.Gate.Gates[5].Level = report.Error // skipped, but required
	var b bytes.Buffer
	require.NoError(t, JUnit(&b, r))
	var s junitSuites
	require.NoError(t, xml.Unmarshal(b.Bytes(), &s))
	require.Equal(t, []int{9, 3, 1, 0}, []int{s.Tests, s.Failures, s.Errors, s.Skipped})
	require.Equal(t, "kld [devanagari]", s.Suites[0].Cases[0].Name)
	require.Contains(t, s.Suites[0].Cases[2].Failure.Message, "same_top of code 93.12 % (91.10 – 94.90 %), limit ≥ 97.00 %")
	require.Nil(t, s.Suites[0].Cases[3].Failure, "waived")
	require.NoError(t, JUnit(&b, hostile("\x00<x>")))
}

// TestSparseReports: every part of a report may be missing.
func TestSparseReports(t *testing.T) {
	cut := []func(r *report.Report){
		func(r *report.Report) { r.Candidates, r.Comparisons, r.Gate = nil, nil, nil },
		func(r *report.Report) { r.Reference, r.Data, r.Calibration = nil, nil, nil },
		func(r *report.Report) { r.Gate.Gates = nil },
		func(r *report.Report) { r.Gate.Candidate = "" },
		func(r *report.Report) {
			for i := range r.Candidates {
				r.Candidates[i].Metrics, r.Candidates[i].Slices, r.Candidates[i].Chunks = nil, nil, nil
			}
		},
		func(r *report.Report) {
			for i := range r.Candidates {
				c := &r.Candidates[i]
				c.Metrics.Comparison = nil
				for j := range c.Slices {
					c.Slices[j].Metrics.Comparison = nil
				}
			}
		},
		func(r *report.Report) {
			for i := range r.Candidates {
				c := &r.Candidates[i]
				c.Bytes, c.BitsPerWeight, c.Latency, c.Tensors = 0, 0, nil, nil
				c.Metrics.Divergence.Mean, c.Metrics.Divergence.CI = 0, nil
			}
		},
		func(r *report.Report) { r.Candidates = r.Candidates[:1] },
		func(r *report.Report) { r.Candidates[0].Chunks, r.Candidates[0].Latency.Tests = nil, nil },
	}
	for _, f := range cut {
		r := sample()
		f(r)
		renderAll(t, r)
	}
}

func renderAll(t *testing.T, r *report.Report) {
	for _, x := range renderers {
		require.NoError(t, x.render(io.Discard, r), x.suffix)
	}
}

// TestRenderersObeyNothing: whatever a report holds, nothing that is drawn from it has control characters, text that
// runs backwards, markup or cells of its own.
func TestRenderersObeyNothing(t *testing.T) {
	const attack = "\x1b[31m\n|<script>\u202e`*"
	ungated := func(r *report.Report) *report.Report { r.Gate = nil; return r }
	alone := func(r *report.Report) *report.Report { r.Candidates = r.Candidates[:1]; return r }
	for name, r := range map[string]*report.Report{
		"sample": sample(), "single": single(), "ungated": ungated(sample()), "ungated single": ungated(single()), "alone": alone(ungated(sample())),
	} {
		poison(reflect.ValueOf(r), attack)
		for _, x := range renderers {
			var b bytes.Buffer
			require.NoError(t, x.render(&b, r))
			s := b.String()
			for line := range strings.Lines(s) {
				require.Negative(t, strings.IndexFunc(line, func(r rune) bool {
					return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
				}), "%s.%s: %q", name, x.suffix, line)
			}
			switch x.suffix {
			case "html", "svg", "junit.xml", "md":
				require.NotContains(t, s, "<script", "%s.%s", name, x.suffix)
			case "card.md":
				require.NotContains(t, s[strings.LastIndex(s, "\n---\n"):strings.Index(s, "### Reproduce")], "<script", name)
			}
			if x.suffix == "md" || x.suffix == "card.md" {
				for row := range strings.Lines(strings.ReplaceAll(s, `\|`, "")) {
					require.False(t, strings.HasPrefix(row, "|") && strings.Contains(row, "|&lt;"), "%s.%s: %s", name, x.suffix, row)
				}
			}
		}
	}
}

// checked are fields that reading a report allows a few words in only, or a SHA-256.
var checked = []string{"Role", "Level", "Verdict", "Op", "Better", "Until", "SHA256", "PolicySHA256"}

// poison makes every other string in v the attack.
func poison(v reflect.Value, attack string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && v.Kind() == reflect.Pointer {
			poison(v.Elem(), attack)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !slices.Contains(checked, f.Name) {
				poison(v.Field(i), attack)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), attack)
		}
	case reflect.String:
		v.SetString(attack)
	}
}

// FuzzRender: no renderer panics, whatever report there is.
func FuzzRender(f *testing.F) {
	for _, name := range []string{"../report/testdata/single.json"} {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"schema":"carat/report","version":1,"command":"gate","candidates":null}`))
	f.Add([]byte(`{"schema":"carat/report","version":1,"command":"x","candidates":[{"name":"a"},{"name":"b","metrics":{"perplexity":{"value":1}}}],"comparisons":[{"a":"a","b":"b"}],"gate":{"verdict":"pass","gates":[{"id":"x","verdict":"fail","level":"error","op":"<="}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := report.Parse(b); err == nil {
			renderAll(t, r)
		}
	})
}
