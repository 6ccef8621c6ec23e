package figure

import (
	"fmt"

	"github.com/carat-llm/carat/eval/stats"
)

// Relative is the limits of a figure of candidate over the same of other, minus 1: 0.03 is three per cent more.
// paired says that both series are over the same chunks, so that what they share cancels out; otherwise they are
// taken as independent. The caller knows that: the texts and the protocol must be the same, and the reference for
// figures that have one. Divergences below NoDivergence are equal. ok is false where a figure is zero or negative, or
// has no such comparison (kld.max).
func Relative(name string, candidate, other *Series, slice int, paired bool) (l stats.Limits, ok bool, err error) {
	f, a, err := candidate.find(name, slice)
	if err != nil {
		return nil, false, err
	}
	_, b, err := other.find(name, slice)
	if err != nil {
		return nil, false, fmt.Errorf("the other side: %w", err)
	}
	if f.relative == nil {
		return nil, false, nil
	}
	l, ok = f.relative(a, b, paired && len(a) == len(b))
	return l, ok, nil
}

// relative is what figures of the table have.
type relative = func(a, b []ChunkStats, paired bool) (l stats.Limits, ok bool)

// quotientOf compares ratios of sums.
func quotientOf(per func([]ChunkStats, func(*ChunkStats) float64) []stats.Cluster, sum func(*ChunkStats) float64) relative {
	return func(a, b []ChunkStats, paired bool) (stats.Limits, bool) {
		l, ok := quotient(per(a, sum), per(b, sum), paired)
		if !ok {
			return nil, false
		}
		return lessOne(l), true
	}
}

// relativeRoot compares roots of ratios of sums: half the logarithm.
func relativeRoot(sum func(*ChunkStats) float64) relative {
	return func(a, b []ChunkStats, paired bool) (stats.Limits, bool) {
		l, ok := quotient(perToken(a, sum), perToken(b, sum), paired)
		if !ok {
			return nil, false
		}
		l.Value, l.Err = l.Value/2, l.Err/2
		return lessOne(l), true
	}
}

// relativePerplexity compares exponentials of means: logarithms are differences of means.
func relativePerplexity(value func(*ChunkStats) float64) relative {
	return func(a, b []ChunkStats, paired bool) (stats.Limits, bool) {
		if !paired {
			x, y := stats.Ratio(perToken(a, value)), stats.Ratio(perToken(b, value))
			return lessOne(stats.Difference(x, y)), true
		}
		d := perToken(a, value)
		for i := range d {
			d[i].Sum -= value(&b[i])
		}
		return lessOne(stats.Ratio(d)), true
	}
}

// lessOne makes the relative difference of the logarithm of a quotient.
func lessOne(log stats.Limits) stats.Limits { return stats.Scaled(stats.Exp(log), 1, -1) }

func quotient(a, b []stats.Cluster, paired bool) (stats.Student, bool) {
	if paired {
		return stats.LogQuotient(a, b)
	}
	return stats.LogQuotientUnpaired(stats.Ratio(a), stats.Ratio(b))
}

// NoDivergence is in nats: a divergence below it is what float32 logits leave of none, and its size means nothing.
const NoDivergence = 1e-9

// relativeKLD compares mean divergences; two of none are equal.
func relativeKLD(a, b []ChunkStats, paired bool) (stats.Limits, bool) {
	none := func(c []ChunkStats) bool { return stats.Ratio(perToken(c, kld)).Value < NoDivergence }
	if none(a) && none(b) {
		return stats.Exact(0), true
	}
	return quotientOf(perToken, kld)(a, b, paired)
}
