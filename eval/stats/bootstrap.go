package stats

import (
	"math"
	"slices"
)

// Resamples is the number of resamples of a Bootstrap.
const Resamples = 2000

// Bootstrap holds the resampled values of a statistic; its limits are bias-corrected and accelerated (BCa; Efron,
// "Better bootstrap confidence intervals", 1987), the acceleration from the jackknife over clusters. With fewer than
// some 50 clusters they are too narrow, and far too narrow beyond 95 %: where a Student or Quantile can say it, use that.
type Bootstrap struct {
	value, err float64
	sorted     []float64 // resampled values
	bias, acc  float64   // z0 and a of the paper
}

// NewBootstrap resamples clusters 0..n-1 with replacement and calls statistic with the number of times each one was
// drawn. statistic must be a function of these counts alone. The sequence of draws is fixed.
func NewBootstrap(n int, statistic func(counts []int) float64) *Bootstrap {
	counts := make([]int, n)
	for i := range counts {
		counts[i] = 1
	}
	b := &Bootstrap{value: statistic(counts)}
	if n < 2 {
		return b
	}
	b.acc = acceleration(counts, statistic)
	r := source(0x9e3779b97f4a7c15)
	below, ties := 0.0, 0.0
	var sum float64
	b.sorted = make([]float64, Resamples)
	for i := range b.sorted {
		clear(counts)
		for range n {
			counts[r.below(n)]++
		}
		v := statistic(counts)
		b.sorted[i] = v
		sum += v
		switch {
		case v < b.value:
			below++
		case v == b.value:
			ties++
		}
	}
	mean := sum / Resamples
	var sq float64
	for _, v := range b.sorted {
		sq += (v - mean) * (v - mean)
	}
	b.err = math.Sqrt(sq / (Resamples - 1))
	b.bias = NormalQuantile(clampShare((below + ties/2) / Resamples))
	slices.Sort(b.sorted)
	return b
}

// acceleration is a of BCa. counts is all ones, and so again afterwards.
func acceleration(counts []int, statistic func([]int) float64) float64 {
	v := make([]float64, len(counts))
	var mean float64
	for i := range counts {
		counts[i] = 0
		v[i] = statistic(counts)
		counts[i] = 1
		mean += v[i]
	}
	mean /= float64(len(v))
	var sq, cube float64
	for _, x := range v {
		d := mean - x
		sq += d * d
		cube += d * d * d
	}
	if sq == 0 {
		return 0
	}
	return cube / (6 * math.Pow(sq, 1.5))
}

// clampShare keeps a share of resamples away from 0 and 1, which no finite number of them can show.
func clampShare(p float64) float64 {
	return math.Min(math.Max(p, 0.5/Resamples), 1-0.5/Resamples)
}

func (b *Bootstrap) Estimate() float64 { return b.value }
func (b *Bootstrap) StdErr() float64   { return b.err }

func (b *Bootstrap) Lower(alpha float64) float64 { return b.at(alpha, -1) }
func (b *Bootstrap) Upper(alpha float64) float64 { return b.at(1-alpha, 1) }

func (b *Bootstrap) at(p float64, side int) float64 {
	if len(b.sorted) == 0 {
		return math.Inf(side)
	}
	z := b.bias + NormalQuantile(p)
	if b.acc*z >= 1 { // beyond what the correction can map
		return Percentile(b.sorted, (1+math.Copysign(1, z))/2)
	}
	return Percentile(b.sorted, NormalCDF(b.bias+z/(1-b.acc*z)))
}

func (b *Bootstrap) PBelow(bound float64) float64 {
	if len(b.sorted) == 0 {
		return 1
	}
	return 1 - b.share(bound)
}

func (b *Bootstrap) PAbove(bound float64) float64 {
	if len(b.sorted) == 0 {
		return 1
	}
	return b.share(bound)
}

// share is the level p at which the limit is bound, the inverse of at.
func (b *Bootstrap) share(bound float64) float64 {
	i, _ := slices.BinarySearch(b.sorted, bound)
	j := i
	for j < len(b.sorted) && b.sorted[j] == bound {
		j++
	}
	w := NormalQuantile(clampShare(float64(i+j)/2/Resamples)) - b.bias
	if b.acc*w <= -1 {
		return (1 + math.Copysign(1, w)) / 2
	}
	return NormalCDF(w/(1+b.acc*w) - b.bias)
}

// Percentile interpolates linearly between the closest ranks of sorted; p from 0 to 1.
func Percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// source is SplitMix64 (Steele, Lea and Flood, 2014).
type source uint64

func (s *source) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number from 0 to n-1.
func (s *source) below(n int) int { return int((s.next() >> 32) * uint64(n) >> 32) }
