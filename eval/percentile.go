package eval

import (
	"cmp"
	"slices"

	"github.com/carat-llm/carat/eval/stats"
)

// tokenKLD is the divergence at one position and the chunk it is in.
type tokenKLD struct {
	value float32
	chunk int32
}

// ranked sorts the divergences of all positions, the largest first.
func ranked(c []ChunkStats) []tokenKLD {
	var out []tokenKLD
	for i, x := range c {
		for _, v := range x.KLDs {
			out = append(out, tokenKLD{v, int32(i)})
		}
	}
	slices.SortStableFunc(out, func(a, b tokenKLD) int { return cmp.Compare(b.value, a.value) })
	return out
}

// percentileOf gives the p-percentile (0 to 1) of the divergences, with bootstrap limits over chunks.
func percentileOf(p float64) func(c []ChunkStats) stats.Limits {
	return func(c []ChunkStats) stats.Limits {
		r := ranked(c)
		return stats.NewBootstrap(len(c), func(counts []int) float64 { return weightedPercentile(r, c, counts, p) })
	}
}

// weightedPercentile is the percentile when chunk i is there counts[i] times, by linear interpolation between the
// closest ranks. It walks down from the largest value, so that percentiles near 1 look at few.
func weightedPercentile(r []tokenKLD, c []ChunkStats, counts []int, p float64) float64 {
	n := 0
	for i, k := range counts {
		n += k * len(c[i].KLDs)
	}
	if n == 0 {
		return 0
	}
	at := (1 - p) * float64(n-1) // rank from the top
	i := int(at)
	f := at - float64(i)
	seen := 0
	for j, t := range r {
		seen += counts[t.chunk]
		if seen <= i {
			continue
		}
		v := float64(t.value)
		if f == 0 || seen > i+1 {
			return v
		}
		for _, next := range r[j+1:] {
			if counts[next.chunk] > 0 {
				return v*(1-f) + float64(next.value)*f
			}
		}
		return v
	}
	return 0
}
