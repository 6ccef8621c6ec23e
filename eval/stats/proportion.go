package stats

import (
	"math"
	"slices"
)

// Wilson is the confidence interval of a share of k in n independent trials (Wilson, 1927); level is two-sided.
func Wilson(k, n int, level float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	z := NormalQuantile(1 - (1-level)/2)
	p, m := float64(k)/float64(n), float64(n)
	centre := p + z*z/(2*m)
	reach := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	d := 1 + z*z/m
	return math.Max(0, (centre-reach)/d), math.Min(1, (centre+reach)/d)
}

// McNemar is the two-sided exact p-value of equal rates, of b pairs that changed one way and c the other: a
// binomial test of b in b+c at one half (McNemar, 1947).
func McNemar(b, c int) float64 {
	n, k := b+c, min(b, c)
	if n == 0 {
		return 1
	}
	lf := func(i int) float64 { v, _ := math.Lgamma(float64(i + 1)); return v }
	var p float64
	for i := 0; i <= k; i++ {
		p += math.Exp(lf(n) - lf(i) - lf(n-i) - float64(n)*math.Ln2)
	}
	return math.Min(1, 2*p)
}

// Holm adjusts p-values for being looked at together (Holm, 1979): of hypotheses whose adjusted p is at most alpha,
// the chance that any is true is at most alpha.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] < p[j]:
			return -1
		case p[i] > p[j]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order {
		largest = math.Max(largest, math.Min(1, float64(len(p)-rank)*p[i]))
		out[i] = largest
	}
	return out
}
