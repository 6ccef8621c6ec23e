package job

import (
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
)

// alpha is the level at which two candidates are said to differ.
const alpha = 0.05

// rounding is the relative difference below which two figures are the same: logits are float32, and the same
// probability of a text is added up from other terms by another tokenizer.
const rounding = 1e-9

// compared are the figures that candidates are compared in; comparedByBytes those of candidates whose tokenizers differ.
var (
	compared        = []string{"kld.mean", "same_top", "ppl"}
	comparedByBytes = []string{"bits_per_byte"}
)

// Compare fills r.Comparisons: every pair of candidates, paired chunk by chunk, with Holm's correction over all of
// them, and marks the Pareto front and the effective bits. Without a reference only perplexity is compared, or bits per
// byte where tokenizers differ.
func Compare(r *report.Report) {
	r.Comparisons = nil
	figures := compared
	if r.Protocol.SameBytes {
		figures = comparedByBytes
	}
	for i := range r.Candidates {
		for k := i + 1; k < len(r.Candidates); k++ {
			for _, name := range figures {
				if c, ok := comparePair(&r.Candidates[i], &r.Candidates[k], name); ok {
					r.Comparisons = append(r.Comparisons, c)
				}
			}
		}
	}
	p := make([]float64, len(r.Comparisons))
	for i, c := range r.Comparisons {
		p[i] = c.P
	}
	for i, adjusted := range stats.Holm(p) {
		c := &r.Comparisons[i]
		if c.PAdjusted = adjusted; adjusted > alpha {
			c.Better = ""
		}
	}
	front(r.Candidates, r.Protocol.SameBytes)
	effectiveBits(r.Candidates)
}

func comparePair(a, b *report.Candidate, name string) (report.Comparison, bool) {
	if a.Failure != "" || b.Failure != "" {
		return report.Comparison{}, false
	}
	l, ok, err := figure.Relative(name, a.Series(), b.Series(), figure.All, true)
	if err != nil || !ok {
		return report.Comparison{}, false
	}
	c := report.Comparison{A: a.Name, B: b.Name, Metric: name, Relative: l.Estimate(), P: math.Min(1, 2*math.Min(l.PBelow(0), l.PAbove(0)))}
	if math.Abs(c.Relative) < rounding && l.StdErr() < rounding {
		c.Relative, c.P = 0, 1 // nothing says that they differ
	}
	if low, high := stats.Interval(l, figure.Level); !math.IsInf(low, 0) && !math.IsInf(high, 0) {
		c.CI = &figure.Interval{Low: low, High: high}
	}
	switch {
	case (c.Relative > 0) == figure.Named(name).Higher && c.Relative != 0:
		c.Better = "a"
	case c.Relative != 0:
		c.Better = "b"
	}
	return c, true
}

// front marks the candidates that no other beats in both bytes and divergence (without a reference perplexity, or bits
// per byte where tokenizers differ).
func front(c []report.Candidate, sameBytes bool) {
	loss := loss
	if sameBytes {
		loss = func(c *report.Candidate) float64 { return c.Metrics.BitsPerByte.Value }
	}
	for i := range c {
		c[i].Pareto = c[i].Metrics != nil && c[i].Role == "" && !slices.ContainsFunc(c, func(o report.Candidate) bool {
			return o.Metrics != nil && o.Role == "" && o.Bytes <= c[i].Bytes && loss(&o) <= loss(&c[i]) && (o.Bytes < c[i].Bytes || loss(&o) < loss(&c[i]))
		})
	}
}

func loss(c *report.Candidate) float64 {
	if c.Metrics.Comparison != nil {
		if d := c.Metrics.Divergence.Mean; d >= figure.NoDivergence {
			return d
		}
		return 0
	}
	return c.Metrics.Perplexity.Value
}

// effectiveBits says, for each candidate, how many bits per weight the controls would need for its divergence:
// log divergence is interpolated linearly over the controls' bits per weight. There is none beyond the controls.
func effectiveBits(c []report.Candidate) {
	type rung struct{ bits, log float64 }
	var ladder []rung
	for i := range c {
		if c[i].Role == "control" && c[i].Metrics != nil && c[i].Metrics.Comparison != nil && loss(&c[i]) > 0 {
			ladder = append(ladder, rung{c[i].BitsPerWeight, math.Log(loss(&c[i]))})
		}
	}
	slices.SortFunc(ladder, func(a, b rung) int {
		switch {
		case a.bits < b.bits:
			return -1
		case a.bits > b.bits:
			return 1
		}
		return 0
	})
	for i := range c {
		c[i].EffectiveBits = nil
		if c[i].Role != "" || c[i].Metrics == nil || c[i].Metrics.Comparison == nil || !(loss(&c[i]) > 0) {
			continue
		}
		at := math.Log(loss(&c[i]))
		for k := range ladder {
			if ladder[k].log == at {
				c[i].EffectiveBits = &ladder[k].bits
				break
			}
			if k > 0 && (ladder[k-1].log-at)*(ladder[k].log-at) < 0 {
				f := (at - ladder[k-1].log) / (ladder[k].log - ladder[k-1].log)
				v := ladder[k-1].bits + f*(ladder[k].bits-ladder[k-1].bits)
				c[i].EffectiveBits = &v
				break
			}
		}
	}
}
