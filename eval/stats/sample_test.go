package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSampleOrder(t *testing.T) {
	s := NewSample([][]float32{{0.5, -1, 3}, nil, {3, 0, -0.25}})
	var got []float32
	for _, r := range s.ranked {
		got = append(got, r.value)
	}
	require.Equal(t, []float32{3, 3, 0.5, 0, -0.25, -1}, got)
	require.Equal(t, []Cluster{{2, 3}, {0, 0}, {1, 3}}, s.shares(3))
	require.Equal(t, 2, s.above(0.5))
	require.Equal(t, 0.25, s.Percentile(0.5))
	require.Equal(t, 3.0, s.Percentile(1))
	require.Equal(t, -1.0, s.Percentile(0))
	require.Zero(t, NewSample(nil).Percentile(0.5))
	require.Equal(t, Percentile([]float64{-1, -0.25, 0, 0.5, 3, 3}, 0.37), s.Percentile(0.37))
}

func TestQuantileLimits(t *testing.T) {
	d := draws(rand.New(rand.NewPCG(3, 4)), 40, 50)
	for _, p := range []float64{0.5, 0.9, 0.99} {
		q := Quantile{NewSample(d), p}
		for _, alpha := range []float64{0.1, 0.01} {
			u, l := q.Upper(alpha), q.Lower(alpha)
			require.Less(t, l, q.Estimate())
			require.Greater(t, u, q.Estimate())
			require.LessOrEqual(t, q.PBelow(u), alpha)
			require.Greater(t, q.PBelow(math.Nextafter(u, 0)), alpha, "no lower value will do")
			require.LessOrEqual(t, q.PAbove(l), alpha)
			require.Greater(t, q.PAbove(math.Nextafter(l, 100)), alpha, "no higher value will do")
		}
		require.Greater(t, q.StdErr(), 0.0)
	}
	require.True(t, math.IsInf(Quantile{NewSample(d[:2]), 0.999}.Upper(0.05), 1), "100 values show nothing about p99.9")
	five := NewSample([][]float32{{1}, {2}, {3}, {4}, {5}})
	require.Equal(t, 1.0, Quantile{five, 0.5}.Lower(0.04), "all five above the median: 1 in 32")
	require.Equal(t, 5.0, Quantile{five, 0.5}.Upper(0.04))
	require.True(t, math.IsInf(Quantile{five, 0.5}.Upper(0.03), 1))
	require.True(t, math.IsInf(Quantile{NewSample(d[:1]), 0.5}.Upper(0.05), 1), "one cluster has no limits")
}

func TestQuantileQuotient(t *testing.T) {
	d := draws(rand.New(rand.NewPCG(5, 6)), 40, 50)
	double := make([][]float32, len(d))
	for i := range d {
		for _, v := range d[i] {
			double[i] = append(double[i], 2*v)
		}
	}
	q := QuantileQuotient{NewSample(double), NewSample(d), 0.95, true}
	require.InDelta(t, 2, q.Estimate(), 1e-12)
	require.InDelta(t, 2, q.Upper(0.05), 0.2, "pairs that differ by a factor know it well")
	require.InDelta(t, 2, q.Lower(0.05), 0.2)
	require.Less(t, q.PBelow(3), 1e-4)
	require.Greater(t, q.PBelow(1.9), 0.5)
	loose := QuantileQuotient{NewSample(double), NewSample(d), 0.95, false}
	require.Greater(t, loose.Upper(0.05), q.Upper(0.05))
	same := QuantileQuotient{NewSample(d), NewSample(d), 0.95, true}
	require.Equal(t, 1.0, same.Upper(0.05))
	require.Zero(t, same.PBelow(1), "a copy is not worse")
}

func BenchmarkQuantile(b *testing.B) {
	for _, n := range []int{64, 1000} {
		d := draws(rand.New(rand.NewPCG(7, 8)), n, 255)
		for _, p := range []float64{0.5, 0.99} {
			b.Run(fmt.Sprintf("%dx255/p%v", n, 100*p), func(b *testing.B) {
				for b.Loop() {
					Interval(Quantile{NewSample(d), p}, 0.95)
				}
			})
		}
		b.Run(fmt.Sprintf("%dx255/bootstrap-mean", n), func(b *testing.B) {
			for b.Loop() {
				NewBootstrap(n, func(counts []int) float64 {
					var s float64
					for i, k := range counts {
						s += float64(k) * float64(d[i][0])
					}
					return s
				})
			}
		})
		b.Run(fmt.Sprintf("%dx255/quotient-p99", n), func(b *testing.B) {
			s := NewSample(d)
			other := NewSample(draws(rand.New(rand.NewPCG(9, 10)), n, 255))
			for b.Loop() {
				Interval(QuantileQuotient{s, other, 0.99, true}, 0.95)
			}
		})
	}
}
