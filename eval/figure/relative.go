package figure

import (
	"fmt"

	"github.com/carat-llm/carat/eval/stats"
)

// sums are the figures that are ratios of sums over chunks, by name: what two series can be compared in pairwise.
var sums = map[string]func(c []ChunkStats) []stats.Cluster{
	"bits_per_byte": func(c []ChunkStats) []stats.Cluster { return perByte(c, nll) },
	"kld.mean":      func(c []ChunkStats) []stats.Cluster { return perToken(c, kld) },
	"same_top": func(c []ChunkStats) []stats.Cluster {
		return perToken(c, func(c *ChunkStats) float64 { return float64(c.SameTop) })
	},
	"top5": func(c []ChunkStats) []stats.Cluster {
		return perToken(c, func(c *ChunkStats) float64 { return float64(c.Top5) / 5 })
	},
}

// Relative is the limits of a figure of candidate over the same of other, minus 1: 0.03 is three per cent more.
// paired says that both series are over the same chunks, so that what they share cancels out; otherwise they are
// taken as independent. The caller knows that: the texts and the protocol must be the same, and the reference for
// figures that have one. Divergences below NoDivergence are equal. ok is false where a figure is zero or negative, or has no such comparison (kld.max).
func Relative(name string, candidate, other *Series, slice int, paired bool) (l stats.Limits, ok bool, err error) {
	if _, err := candidate.Limits(name, slice); err != nil {
		return nil, false, err
	}
	if _, err := other.Limits(name, slice); err != nil {
		return nil, false, fmt.Errorf("the other side: %w", err)
	}
	a, b := candidate.of(slice), other.of(slice)
	if none(name, a) && none(name, b) {
		return stats.Exact(0), true, nil
	}
	paired = paired && len(a) == len(b)
	switch name {
	case "ppl", "ppl.ratio": // logarithms are differences of means
		l, ok = relativePerplexity(a, b, name == "ppl.ratio", paired), true
	case "delta_p.rms":
		var s stats.Student
		s, ok = quotient(perToken(a, deltaP2), perToken(b, deltaP2), paired)
		s.Value, s.Err = s.Value/2, s.Err/2
		l = s
	case "kld.p50", "kld.p90", "kld.p95", "kld.p99", "kld.p99.9":
		q := stats.QuantileQuotient{A: divergences(a), B: divergences(b), P: percentiles[name], Paired: paired}
		if !(q.B.Percentile(q.P) > 0) || !(q.A.Percentile(q.P) > 0) {
			return nil, false, nil
		}
		return stats.Scaled(q, 1, -1), true, nil
	default:
		f, known := sums[name]
		if !known {
			return nil, false, nil
		}
		l, ok = quotient(f(a), f(b), paired)
	}
	if !ok {
		return nil, false, nil
	}
	return stats.Scaled(stats.Exp(l), 1, -1), true, nil
}

// NoDivergence is in nats: a divergence below it is what float32 logits leave of none, and its size means nothing.
const NoDivergence = 1e-9

// none says that the figure is a divergence and is none.
func none(name string, c []ChunkStats) bool {
	if name == "kld.mean" {
		return stats.Ratio(perToken(c, kld)).Value < NoDivergence
	}
	p, ok := percentiles[name]
	return ok && divergences(c).Percentile(p) < NoDivergence
}

func deltaP2(c *ChunkStats) float64 { return c.DeltaP2 }

func quotient(a, b []stats.Cluster, paired bool) (stats.Student, bool) {
	if paired {
		return stats.LogQuotient(a, b)
	}
	return stats.LogQuotientUnpaired(stats.Ratio(a), stats.Ratio(b))
}

func relativePerplexity(a, b []ChunkStats, ratio, paired bool) stats.Limits {
	value := nll
	if ratio {
		value = func(c *ChunkStats) float64 { return c.NLL - c.RefNLL }
	}
	if !paired {
		x, y := stats.Ratio(perToken(a, value)), stats.Ratio(perToken(b, value))
		return stats.Difference(x, y)
	}
	d := perToken(a, value)
	for i := range d {
		d[i].Sum -= value(&b[i])
	}
	return stats.Ratio(d)
}
