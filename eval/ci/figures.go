package ci

import (
	"math"
	"strconv"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// figure is one number of a candidate, as metrics stores want them: flat.
type datum struct {
	name    string // as gates name it: "kld.mean"
	slice   string // "" for all text
	unit    string
	value   float64
	ci      *figure.Interval
	smaller bool // is better
}

// id is unique among a candidate's figures: "kld.mean" or "kld.mean/code".
func (f datum) id() string {
	if f.slice == "" {
		return f.name
	}
	return f.name + "/" + f.slice
}

// number is v with as many digits as it takes to read it back.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// figures lists what was measured of c: of all text, by slice, tasks, speed, size. Numbers that are none are left out.
func figures(c *report.Candidate) []datum {
	var all []datum
	if c.Metrics != nil {
		all = quality(all, "", c.Metrics)
	}
	for _, s := range c.Slices {
		if s.Metrics != nil {
			all = quality(all, s.Name, s.Metrics)
		}
	}
	for _, t := range c.Tasks {
		ci := &figure.Interval{Low: t.Score.Low, High: t.Score.High}
		all = append(all, datum{name: "task." + t.Task, unit: "share", value: t.Score.Value, ci: ci})
		if t.Flips != nil {
			all = append(all, datum{name: "task." + t.Task + ".flips", unit: "share", value: t.Flips.Rate, smaller: true})
		}
	}
	all = speed(all, c)
	size := []datum{
		{name: "bytes", unit: "bytes", value: float64(c.Bytes), smaller: true},
		{name: "bits_per_weight", unit: "bits", value: c.BitsPerWeight, smaller: true},
	}
	if c.EffectiveBits != nil {
		size = append(size, datum{name: "effective_bits", unit: "bits", value: *c.EffectiveBits})
	}
	var out []datum
	for _, f := range append(all, size...) {
		if !math.IsNaN(f.value) && !math.IsInf(f.value, 0) {
			out = append(out, f)
		}
	}
	return out
}

func quality(out []datum, slice string, m *figure.Metrics) []datum {
	first := len(out)
	out = append(out,
		datum{name: "ppl", unit: "perplexity", value: m.Perplexity.Value, ci: m.Perplexity.CI, smaller: true},
		datum{name: "bits_per_byte", unit: "bits", value: m.BitsPerByte.Value, ci: m.BitsPerByte.CI, smaller: true},
	)
	if m.Comparison != nil {
		d := &m.Divergence
		out = append(out,
			datum{name: "ppl.ratio", unit: "ratio", value: m.Ratio.Value, ci: m.Ratio.CI, smaller: true},
			datum{name: "kld.mean", unit: "nats", value: d.Mean, ci: d.CI, smaller: true},
			datum{name: "kld.p95", unit: "nats", value: d.P95, ci: d.P95CI, smaller: true},
			datum{name: "kld.p99", unit: "nats", value: d.P99, ci: d.P99CI, smaller: true},
			datum{name: "kld.p99.9", unit: "nats", value: d.P999, ci: d.P999CI, smaller: true},
			datum{name: "same_top", unit: "share", value: m.SameTop.Value, ci: m.SameTop.CI},
			datum{name: "top5", unit: "share", value: m.TopFive.Value, ci: m.TopFive.CI},
			datum{name: "delta_p.rms", unit: "probability", value: m.DeltaP.Value, ci: m.DeltaP.CI, smaller: true},
		)
	}
	for i := first; i < len(out); i++ {
		out[i].slice = slice
	}
	return out
}

func speed(out []datum, c *report.Candidate) []datum {
	if c.Latency == nil {
		return out
	}
	for _, t := range c.Latency.Tests {
		s := t.TokensPerSecond
		out = append(out, datum{name: t.Name + ".tok_s", unit: "tokens/s", value: s.Median})
		if t.FirstToken != nil {
			out = append(out, datum{name: t.Name + ".ttft.p50", unit: "s", value: t.FirstToken.P50, smaller: true})
		}
		if t.InterToken != nil {
			out = append(out, datum{name: t.Name + ".itl.p50", unit: "s", value: t.InterToken.P50, smaller: true},
				datum{name: t.Name + ".itl.p95", unit: "s", value: t.InterToken.P95, smaller: true})
		}
	}
	if m := c.Latency.PeakMemory; m > 0 {
		out = append(out, datum{name: "peak_memory", unit: "bytes", value: float64(m), smaller: true})
	}
	if e := c.Latency.Energy; e != nil {
		out = append(out, datum{name: "joules_per_token", unit: "J", value: e.JoulesPerToken, smaller: true})
	}
	return out
}
