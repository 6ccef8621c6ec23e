package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Three clusters, the mean as the statistic: 27 resamples in all, whose distribution is known.
func TestBootstrapByHand(t *testing.T) {
	v := []float64{1, 2, 6}
	mean := func(counts []int) float64 {
		s, n := 0.0, 0
		for i, k := range counts {
			s += float64(k) * v[i]
			n += k
		}
		return s / float64(n)
	}
	b := NewBootstrap(3, mean)
	require.Equal(t, 3.0, b.Estimate())
	// The bootstrap's variance is the population's over n: (4+1+9)/3/3.
	require.InDelta(t, math.Sqrt(14.0/9), b.StdErr(), 0.05)
	// Jackknife means 4 3.5 1.5, mean 3: differences -1 -0.5 1.5; squares 3.5, cubes 2.25; a = 2.25/(6*3.5^1.5).
	require.InDelta(t, 2.25/(6*math.Pow(3.5, 1.5)), b.acc, 1e-12)
	// Of 27, below 3: 111 112x3 122x3 222 = 8, and 116x3 (8/3) = 11; equal to 3: 126x6 = 6.
	require.InDelta(t, NormalQuantile((11+3)/27.0), b.bias, 0.07)
	for _, alpha := range []float64{0.25, 0.1, 0.05} {
		// The inverse, as closely as steps of 27 values can be.
		require.LessOrEqual(t, b.PBelow(b.Upper(alpha)+1e-9), alpha+0.01)
		require.LessOrEqual(t, b.PAbove(b.Lower(alpha)-1e-9), alpha+0.01)
	}
	require.True(t, math.IsInf(NewBootstrap(1, mean).Upper(0.05), 1))
	require.Equal(t, b, NewBootstrap(3, mean), "the draws are fixed")
}

// draws are n clusters of tokens of a skewed distribution whose clusters differ.
func draws(r *rand.Rand, n, tokens int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		shift := 0.2 * r.NormFloat64()
		for range tokens {
			out[i] = append(out[i], float32(math.Exp(shift+1.5*r.NormFloat64())))
		}
	}
	return out
}

// One-sided limits miss the truth as often as stated, within three standard errors of the simulation.
func TestCoverage(t *testing.T) {
	const runs, n, tokens, alpha = 600, 32, 100, 0.05
	sigma := math.Hypot(0.2, 1.5)
	truth := map[string]float64{"mean": math.Exp(sigma * sigma / 2), "p95": math.Exp(sigma * NormalQuantile(0.95)), "median, BCa": 1}
	missed := map[string]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for range runs {
		d := draws(r, n, tokens)
		sums := make([]Cluster, n)
		medians := make([]float64, n)
		for i, c := range d {
			for _, v := range c {
				sums[i].Sum += float64(v)
			}
			sums[i].Weight = tokens
			medians[i] = Quantile{NewSample(d[i : i+1]), 0.5}.Estimate()
		}
		for name, l := range map[string]Limits{
			"mean": Ratio(sums).SkewedAtLeast(1.25),
			"p95":  Quantile{NewSample(d), 0.95},
			"median, BCa": NewBootstrap(n, func(counts []int) float64 {
				var s float64
				for i, k := range counts {
					s += float64(k) * math.Log(medians[i])
				}
				return math.Exp(s / n)
			}),
		} {
			if l.Upper(alpha) < truth[name] {
				missed[name+" upper"]++
			}
			if l.Lower(alpha) > truth[name] {
				missed[name+" lower"]++
			}
		}
	}
	t.Log(missed)
	for name, k := range missed {
		require.LessOrEqual(t, float64(k)/runs, alpha+3*math.Sqrt(alpha*(1-alpha)/runs), name)
	}
	require.GreaterOrEqual(t, missed["median, BCa upper"], 10, "limits are not needlessly wide")
	require.GreaterOrEqual(t, missed["p95 upper"], 5)
}
