package figure

import "github.com/carat-llm/carat/eval/stats"

// Info is what everything that tells of a figure must know of it.
type Info struct {
	Name   string // in policies, reports, tables and CI systems: "kld.mean"
	Title  string // for people
	Short  string // for people, where there is little room
	Unit   string
	Higher bool // is better; of other figures less is
	Paired bool // needs a reference
	// Absolute figures have no relative difference.
	Absolute bool
	// History has it followed from run to run by CI systems.
	History bool
	// Format shows a value to people.
	Format func(v float64) string
}

// Figure is one of text: how reports hold it, and what a series says of it.
type Figure struct {
	Info
	// Value is the figure in a report.
	Value func(m *Metrics) Estimate
	// limits over chunks; nil for a figure that is the reference's own, which no policy bounds.
	limits func(c []ChunkStats) stats.Limits
	// relative is the difference of a from b over b; ok is false where there is none. It is nil for absolute figures.
	relative func(a, b []ChunkStats, paired bool) (l stats.Limits, ok bool)
	// bound is how much more the figure may be where the reference was not known in full; nil for never.
	bound func(c []ChunkStats) float64
}

// Table lists all figures of text, in the order in which they are shown.
var Table = []Figure{
	{
		Info:   Info{Name: "ppl", Title: "perplexity", Short: "ppl", Unit: "perplexity", History: true, Format: fixed(4)},
		Value:  func(m *Metrics) Estimate { return m.Perplexity.Estimate },
		limits: func(c []ChunkStats) stats.Limits { return stats.Exp(stats.Ratio(perToken(c, nll))) }, relative: relativePerplexity(nll),
	},
	{
		Info:   Info{Name: "bits_per_byte", Title: "bits per byte", Short: "bits/byte", Unit: "bits", History: true, Format: fixed(4)},
		Value:  func(m *Metrics) Estimate { return m.BitsPerByte },
		limits: bitsPerByte, relative: quotientOf(perByte, nll),
	},
	{
		Info:  Info{Name: "ppl.reference", Title: "perplexity, reference", Unit: "perplexity", Paired: true, Format: fixed(4)},
		Value: func(m *Metrics) Estimate { return m.Reference.Estimate },
	},
	{
		Info:   Info{Name: "ppl.ratio", Title: "perplexity ratio", Unit: "ratio", Paired: true, History: true, Format: fixed(5)},
		Value:  func(m *Metrics) Estimate { return m.Ratio },
		limits: func(c []ChunkStats) stats.Limits { return stats.Exp(stats.Ratio(perToken(c, nllMore))) }, relative: relativePerplexity(nllMore),
	},
	{
		Info: Info{Name: "kld.mean", Title: "KL divergence, mean", Short: "KLD", Unit: "nats", Paired: true, History: true, Format: Nats},
		Value: func(m *Metrics) Estimate {
			d := &m.Divergence
			return Estimate{Value: d.Mean, StdErr: d.StdErr, ClusteredStdErr: d.ClusteredStdErr, CI: d.CI}
		},
		limits: func(c []ChunkStats) stats.Limits { return meanKLD(c) }, relative: relativeKLD, bound: kldBound,
	},
	percentile("kld.p50", "KL divergence, median", 0.5, false, func(d *Divergence) (float64, *Interval) { return d.Median, nil }),
	percentile("kld.p90", "KL divergence, 90 %", 0.9, false, func(d *Divergence) (float64, *Interval) { return d.P90, nil }),
	percentile("kld.p95", "KL divergence, 95 %", 0.95, true, func(d *Divergence) (float64, *Interval) { return d.P95, d.P95CI }),
	percentile("kld.p99", "KL divergence, 99 %", 0.99, true, func(d *Divergence) (float64, *Interval) { return d.P99, d.P99CI }),
	percentile("kld.p99.9", "KL divergence, 99.9 %", 0.999, true, func(d *Divergence) (float64, *Interval) { return d.P999, d.P999CI }),
	{
		// The largest divergence seen: of the text's, not of what could be.
		Info:   Info{Name: "kld.max", Title: "KL divergence, largest", Unit: "nats", Paired: true, Absolute: true, Format: Nats},
		Value:  func(m *Metrics) Estimate { return Estimate{Value: m.Divergence.Max} },
		limits: func(c []ChunkStats) stats.Limits { return stats.Exact(maxKLD(c)) },
	},
	{
		Info:   Info{Name: "same_top", Title: "same top token", Unit: "share", Higher: true, Paired: true, History: true, Format: Percent},
		Value:  func(m *Metrics) Estimate { return m.SameTop },
		limits: func(c []ChunkStats) stats.Limits { return stats.Share(perToken(c, sameTop)) }, relative: quotientOf(perToken, sameTop),
	},
	{
		Info:   Info{Name: "top5", Title: "top-5 overlap", Unit: "share", Higher: true, Paired: true, History: true, Format: Percent},
		Value:  func(m *Metrics) Estimate { return m.TopFive },
		limits: func(c []ChunkStats) stats.Limits { return stats.Ratio(perToken(c, topFive)) }, relative: quotientOf(perToken, topFive),
	},
	{
		Info:   Info{Name: "delta_p.rms", Title: "RMS change of p", Unit: "probability", Paired: true, History: true, Format: Percent},
		Value:  func(m *Metrics) Estimate { return m.DeltaP },
		limits: func(c []ChunkStats) stats.Limits { return stats.Sqrt(stats.Ratio(perToken(c, deltaP2))) }, relative: relativeRoot(deltaP2),
	},
	{
		Info:   Info{Name: "delta_p.mean", Title: "mean change of p", Unit: "probability", Higher: true, Paired: true, Absolute: true, Format: Percent},
		Value:  func(m *Metrics) Estimate { return m.MeanDeltaP },
		limits: func(c []ChunkStats) stats.Limits { return stats.Ratio(perToken(c, deltaP)) },
	},
}

// Of lists the figures that m has: those against a reference only where there was one.
func Of(m *Metrics) []Figure {
	var out []Figure
	for _, f := range Table {
		if !f.Paired || m.Comparison != nil {
			out = append(out, f)
		}
	}
	return out
}

// Named is the figure of text of that name; nil if there is none.
func Named(name string) *Figure {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	return nil
}

// Comparable says that two series can be compared in the figure.
func (f *Figure) Comparable() bool { return f.relative != nil }

// Bounded says that policies may bound the figure.
func (f *Figure) Bounded() bool { return f.limits != nil }
