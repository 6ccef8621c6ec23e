package report

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// renderers are all of them, by the end of their golden files' names.
var renderers = []struct {
	suffix string
	render func(io.Writer, *Report) error
}{
	{"txt", func(w io.Writer, r *Report) error { return Terminal(w, r, false) }},
	{"md", Markdown},
	{"html", HTML},
	{"svg", SVG},
	{"csv", CSV},
	{"slices.csv", func(w io.Writer, r *Report) error { return CSVTable(w, r, "slices") }},
	{"gates.csv", func(w io.Writer, r *Report) error { return CSVTable(w, r, "gates") }},
	{"junit.xml", JUnit},
	{"card.md", func(w io.Writer, r *Report) error { return CardOf(w, r, "HuggingFaceTB/SmolLM2-135M-Instruct") }},
}

func TestGoldenRenderers(t *testing.T) {
	for name, r := range map[string]*Report{"sample": sample(), "single": single()} {
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

// TestPageIsSelfContained: no scripts, nothing from elsewhere, every picture has a title, no id is there twice.
func TestPageIsSelfContained(t *testing.T) {
	for _, r := range []*Report{sample(), single(), hostile("x")} {
		var b bytes.Buffer
		require.NoError(t, HTML(&b, r))
		s := b.String()
		for _, bad := range []string{"<script", "javascript:", "@import", "url(", "<link", "<img", "src=", "onload", "ZgotmplZ", "NaN", "Inf"} {
			require.False(t, strings.Contains(s, bad), bad)
		}
		require.Contains(t, s, `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`)
		for _, m := range regexp.MustCompile(`(?:href|xmlns)="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			require.Regexp(t, `^(#c\d+|http://www.w3.org/2000/svg)$`, m[1])
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			require.False(t, seen[m[1]], m[1])
			seen[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(s, -1) {
			for id := range strings.FieldsSeq(m[1]) {
				require.True(t, seen[id], id)
			}
		}
		require.Equal(t, strings.Count(s, "<svg "), strings.Count(s, ` role="img"`))
		wellFormed(t, s)
	}
}

// wellFormed checks that every element is closed where it must be.
func wellFormed(t *testing.T, s string) {
	d := xml.NewDecoder(strings.NewReader(s))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch x := tok.(type) {
		case xml.StartElement:
			open = append(open, x.Name.Local)
		case xml.EndElement:
			require.Equal(t, open[len(open)-1], x.Name.Local)
			open = open[:len(open)-1]
		}
	}
	require.Empty(t, open)
}

func TestPageEscapes(t *testing.T) {
	for _, attack := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title></svg></style><b>x`, `' style='x`, "\x01\u202e", `{{.}}`} {
		var b bytes.Buffer
		require.NoError(t, HTML(&b, hostile(attack)))
		s := b.String()
		for _, bad := range []string{"<script", "<img", "</style><b>", "<b>x", "\x01", "\u202e"} {
			require.False(t, strings.Contains(s, bad), bad)
		}
		require.Equal(t, 1, strings.Count(s, "</style>"), "only the page's own style")
		wellFormed(t, s)
	}
}

func TestSVG(t *testing.T) {
	none := single()
	none.Candidates = nil
	for _, r := range []*Report{sample(), single(), none, hostile(`</style><script>alert(1)</script>&nbsp;`)} {
		var b bytes.Buffer
		require.NoError(t, SVG(&b, r))
		d := xml.NewDecoder(&b) // strictly: what stands alone is XML
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			if x, ok := tok.(xml.StartElement); ok {
				require.NotEqual(t, "script", x.Name.Local)
			}
		}
	}
}

// TestCSV: every table is rectangular, and no cell is a formula.
func TestCSV(t *testing.T) {
	for _, r := range []*Report{sample(), single(), hostile("=1+1")} {
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
	r.Gate.Gates[5].Level = Error // skipped, but required
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

func TestCardIsYAML(t *testing.T) {
	for _, r := range []*Report{sample(), single(), hostile("a: [\n\"'x`")} {
		var b bytes.Buffer
		require.NoError(t, Card(&b, r))
		parts := strings.SplitN(b.String(), "---\n", 3)
		require.Len(t, parts, 3)
		var front map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(parts[1]), &front))
		require.Equal(t, "quantized", front["base_model_relation"])
		require.NotEmpty(t, front["model-index"])
	}
}

// TestLabelsDoNotOverlap also when points crowd.
func TestLabelsDoNotOverlap(t *testing.T) {
	r := sample()
	for i := range r.Candidates {
		r.Candidates[i].Bytes = 81_000_000 + int64(i)*300_000
		r.Candidates[i].EffectiveBits = nil
	}
	for _, width := range []float64{wide, narrow} {
		for _, p := range []*plot{sizePlot(sample(), width), speedPlot(sample(), width), sizePlot(r, width)} {
			var boxes []box
			for _, q := range p.Points {
				w := float64(len([]rune(q.Label))) * labelSize * 0.55
				b := box{q.LabelX, q.LabelY - 9, q.LabelX + w, q.LabelY + 2}
				switch q.Anchor {
				case "end":
					b.x0, b.x1 = b.x0-w, b.x1-w
				case "middle":
					b.x0, b.x1 = b.x0-w/2, b.x1-w/2
				}
				require.GreaterOrEqual(t, b.x0, 0.0, q.Label)
				require.LessOrEqual(t, b.x1, p.W, q.Label)
				for _, o := range boxes {
					require.Zero(t, b.overlap(o), "%s on %s", p.ID, q.Label)
				}
				boxes = append(boxes, b)
			}
		}
	}
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
