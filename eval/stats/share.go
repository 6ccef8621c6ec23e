package stats

import "math"

// Binomial is the limits of a share of K in N independent trials, exact (Clopper and Pearson, 1934).
type Binomial struct{ K, N float64 }

func (b Binomial) Estimate() float64 {
	if b.N == 0 {
		return 0
	}
	return b.K / b.N
}

func (b Binomial) StdErr() float64 {
	if b.N == 0 {
		return 0
	}
	p := b.K / b.N
	return math.Sqrt(p * (1 - p) / b.N)
}

// PBelow is P(at most K) when the share is bound.
func (b Binomial) PBelow(bound float64) float64 {
	switch {
	case b.K >= b.N:
		return 1
	case bound >= 1:
		return 0
	}
	return incompleteBeta(b.N-b.K, b.K+1, 1-bound)
}

// PAbove is P(at least K) when the share is bound.
func (b Binomial) PAbove(bound float64) float64 {
	switch {
	case b.K <= 0:
		return 1
	case bound <= 0:
		return 0
	}
	return incompleteBeta(b.K, b.N-b.K+1, bound)
}

func (b Binomial) Upper(alpha float64) float64 {
	if b.K >= b.N {
		return 1
	}
	return bisect(0, 1, func(x float64) bool { return b.PBelow(x) <= alpha })
}

func (b Binomial) Lower(alpha float64) float64 {
	if b.K <= 0 {
		return 0
	}
	return bisect(0, 1, func(x float64) bool { return b.PAbove(x) > alpha })
}

// bisect finds where yes, false at low and true at high, becomes true.
func bisect(low, high float64, yes func(float64) bool) float64 {
	for range 60 {
		mid := (low + high) / 2
		if mid == low || mid == high {
			break
		}
		if yes(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// Share is the limits of a share of tokens: Sum of Weight tokens of each cluster. They are at least as wide as if the
// tokens were independent, since clusters that happen to agree, as when every token has the property, do not show
// their error.
func Share(c []Cluster) Limits {
	var b Binomial
	for _, x := range c {
		b.K += x.Sum
		b.N += x.Weight
	}
	return within{Wider{Ratio(c), b}}
}

// within keeps the limits of a share in 0 to 1. Limits that are none stay infinite.
type within struct{ Limits }

func (w within) Lower(alpha float64) float64 {
	if v := w.Limits.Lower(alpha); !(v < 0) || math.IsInf(v, -1) {
		return v
	}
	return 0
}

func (w within) Upper(alpha float64) float64 {
	if v := w.Limits.Upper(alpha); !(v > 1) || math.IsInf(v, 1) {
		return v
	}
	return 1
}

// Wider is the more cautious of two limits of one figure.
type Wider [2]Limits

func (w Wider) Estimate() float64 { return w[0].Estimate() }
func (w Wider) StdErr() float64   { return w[0].StdErr() }
func (w Wider) Lower(alpha float64) float64 {
	return math.Min(w[0].Lower(alpha), w[1].Lower(alpha))
}
func (w Wider) Upper(alpha float64) float64 {
	return math.Max(w[0].Upper(alpha), w[1].Upper(alpha))
}
func (w Wider) PBelow(b float64) float64 { return math.Max(w[0].PBelow(b), w[1].PBelow(b)) }
func (w Wider) PAbove(b float64) float64 { return math.Max(w[0].PAbove(b), w[1].PAbove(b)) }
