package page

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// crowd is a sweep of many candidates with long names, and controls at the spots of some of them.
func crowd() *report.Report {
	r := sample()
	r.Gate, r.Comparisons = nil, nil
	base := r.Candidates[0]
	r.Candidates = nil
	for i, f := range []string{"Q8_0", "Q6_K", "Q5_K_M", "Q5_0", "Q4_K_M", "Q4_K_S", "Q4_0", "IQ4_XS", "IQ4_NL", "Q3_K_M"} {
		for _, role := range []string{"", report.Control} {
			if role == report.Control && i%2 == 1 {
				continue
			}
			c := base
			m, d := *base.Metrics, *base.Metrics.Comparison
			c.Metrics, m.Comparison = &m, &d
			c.Name, c.FileType, c.Role = fmt.Sprintf("a-model-with-a-long-name-%s%s.gguf", f, map[string]string{report.Control: "-control"}[role]), f, role
			c.Bytes, c.BitsPerWeight = base.Bytes-int64(i)*1_500_000, base.BitsPerWeight-float64(i)/10
			d.Divergence.Mean, d.Divergence.CI = base.Metrics.Divergence.Mean*(1+float64(i)/8), nil
			bits := c.BitsPerWeight + 0.3
			if c.EffectiveBits = &bits; role == report.Control {
				c.EffectiveBits = nil
			}
			r.Candidates = append(r.Candidates, c)
		}
	}
	return r
}

func TestCommonEnds(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"tiny-llama-Q4_K_M.gguf", "tiny-llama-Q4_K_S.gguf", "tiny-llama-Q6_K-control.gguf"}, []string{"tiny-llama-", ".gguf"}},
		{[]string{"m-Q4_K_M.gguf", "m-Q4_K_S.gguf"}, []string{"m-", ".gguf"}},
		{[]string{"a.gguf", "b.gguf"}, []string{"", ".gguf"}},
		{[]string{"m-.gguf", "m-a.gguf"}, []string{"", ""}},
		{[]string{"m.gguf"}, []string{"", ""}},
		{[]string{"x", "y"}, []string{"", ""}},
		{[]string{"日-本.ü", "日-語.ü"}, []string{"日-", ".ü"}},
		{[]string{"本", "語"}, []string{"", ""}},
	} {
		r := &report.Report{}
		for _, n := range c.names {
			r.Candidates = append(r.Candidates, report.Candidate{Model: report.Model{Name: n}})
		}
		prefix, suffix := commonEnds(r)
		require.Equal(t, c.want, []string{prefix, suffix}, c.names)
	}
	p := sizePlot(crowd(), wide)
	require.Equal(t, "names without “a-model-with-a-long-name-” and “.gguf”", p.Note)
	var b bytes.Buffer
	require.NoError(t, SVG(&b, crowd()))
	require.Contains(t, b.String(), p.Note)
}

// TestSharedSpots: a control behind a candidate leaves its label to that, and is drawn first.
func TestSharedSpots(t *testing.T) {
	p := sizePlot(crowd(), wide)
	require.True(t, p.Shared)
	shared := 0
	for i, q := range p.Points {
		if q.Shared {
			require.Equal(t, "control", q.Class)
			require.Empty(t, q.Label)
			require.Less(t, i, 5, "before the candidates")
			shared++
		}
	}
	require.Equal(t, 5, shared)
	require.NotEmpty(t, p.Ladder)
	require.Empty(t, speedPlot(crowd(), wide).Ladder, "speeds of controls are no ladder")
}

// TestLabelsDoNotOverlap also when points crowd.
func TestLabelsDoNotOverlap(t *testing.T) {
	r := sample()
	for i := range r.Candidates {
		r.Candidates[i].Bytes = 81_000_000 + int64(i)*300_000
		r.Candidates[i].EffectiveBits = nil
	}
	for _, width := range []float64{wide, narrow} {
		for _, p := range []*plot{sizePlot(sample(), width), speedPlot(sample(), width), sizePlot(r, width), sizePlot(crowd(), width)} {
			var boxes []box
			place := func(label, anchor string, x, y, size float64) {
				if label == "" {
					return
				}
				w := float64(len([]rune(label))) * size * 0.55
				b := box{x, y - 9, x + w, y + 2}
				switch anchor {
				case "end":
					b.x0, b.x1 = b.x0-w, b.x1-w
				case "middle":
					b.x0, b.x1 = b.x0-w/2, b.x1-w/2
				}
				require.GreaterOrEqual(t, b.x0, 0.0, label)
				require.LessOrEqual(t, b.x1, p.W, label)
				for _, o := range boxes {
					require.Zero(t, b.overlap(o), "%s on %s", p.ID, label)
				}
				boxes = append(boxes, b)
			}
			for _, q := range p.Points {
				place(q.Label, q.Anchor, q.LabelX, q.LabelY, labelSize)
			}
			for _, a := range p.Arrows {
				place(a.Label, "start", a.LabelX, a.LabelY, 11)
			}
		}
	}
}
