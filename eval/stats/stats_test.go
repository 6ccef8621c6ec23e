package stats

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values of printed tables (Abramowitz and Stegun 26.10; NIST).
func TestStudentQuantileOfTables(t *testing.T) {
	for _, c := range []struct{ p, df, want float64 }{
		{0.95, 1, 6.313752}, {0.975, 1, 12.706205}, {0.99, 1, 31.820516}, {0.9995, 1, 636.619249},
		{0.95, 2, 2.919986}, {0.975, 4, 2.776445}, {0.995, 5, 4.032143}, {0.9, 7, 1.414924},
		{0.95, 10, 1.812461}, {0.975, 15, 2.131450}, {0.99, 20, 2.527977}, {0.975, 30, 2.042272},
		{0.95, 60, 1.670649}, {0.995, 120, 2.617421}, {0.975, 1e9, 1.959964}, {0.975, math.Inf(1), 1.959964},
	} {
		require.InDelta(t, c.want, StudentQuantile(c.p, c.df), 1e-6*c.want, "%v", c)
		require.InDelta(t, -c.want, StudentQuantile(1-c.p, c.df), 1e-6*c.want, "%v", c)
		require.InDelta(t, c.p, StudentCDF(c.want, c.df), 1e-7, "%v", c)
	}
	require.Zero(t, StudentQuantile(0.5, 3))
	require.True(t, math.IsInf(StudentQuantile(0, 3), -1))
	require.True(t, math.IsInf(StudentQuantile(1, 3), 1))
	require.Equal(t, 1.0, StudentCDF(math.Inf(1), 3))
	require.Equal(t, 0.0, StudentCDF(math.Inf(-1), 3))
}

// With 1 and 2 degrees of freedom there are closed forms.
func TestStudentCDFClosedForms(t *testing.T) {
	for x := -50.0; x <= 50; x += 0.37 {
		require.InDelta(t, 0.5+math.Atan(x)/math.Pi, StudentCDF(x, 1), 1e-13)
		require.InDelta(t, 0.5+x/(2*math.Sqrt(2+x*x)), StudentCDF(x, 2), 1e-13)
		require.InDelta(t, NormalCDF(x), StudentCDF(x, 1e12), 1e-9)
	}
	require.InDelta(t, 1.3498980316301e-3, NormalCDF(-3), 1e-15)
	require.InDelta(t, 1.959963984540054, NormalQuantile(0.975), 1e-12)
}

func TestStudentQuantileInverts(t *testing.T) {
	for _, df := range []float64{1, 1.7, 3, 15, 63, 999} {
		for p := 1e-6; p < 1; p += 0.0173 {
			require.InDelta(t, p, StudentCDF(StudentQuantile(p, df), df), 1e-12, "p %v df %v", p, df)
		}
	}
}

func TestRatioByHand(t *testing.T) {
	// Sums 2 4 9 of weights 1 2 3: ratio 15/6 = 2.5; residuals -0.5 -1 1.5, squares 3.5; 3/2*3.5 = 5.25.
	s := Ratio([]Cluster{{2, 1}, {4, 2}, {9, 3}})
	require.Equal(t, 2.5, s.Value)
	require.InDelta(t, math.Sqrt(5.25)/6, s.Err, 1e-15)
	require.Equal(t, 2.0, s.DF)
	// Cubes -0.125 -1 3.375 sum to 2.25; over 3.5^1.5, adjusted by sqrt(3*2)/1.
	require.InDelta(t, 2.25/math.Pow(3.5, 1.5)*math.Sqrt(6), s.Skew, 1e-12)

	// Equal weights: the mean and its usual standard error, sd/sqrt(n).
	s = Ratio([]Cluster{{10, 10}, {20, 10}, {60, 10}})
	require.Equal(t, 3.0, s.Value)
	require.InDelta(t, math.Sqrt(7)/math.Sqrt(3), s.Err, 1e-14)

	require.True(t, math.IsInf(Ratio([]Cluster{{1, 1}}).Upper(0.05), 1), "one cluster has no limits")
	require.True(t, math.IsInf(Ratio([]Cluster{{1, 1}}).Lower(0.05), -1))
	require.Equal(t, 1.0, Ratio([]Cluster{{1, 1}}).PBelow(100))
}

func TestLogQuotientByHand(t *testing.T) {
	a, b := []Cluster{{2, 1}, {6, 1}}, []Cluster{{1, 1}, {3, 1}}
	s, ok := LogQuotient(a, b)
	require.True(t, ok)
	require.InDelta(t, math.Log(2), s.Value, 1e-15)
	require.InDelta(t, 0, s.Err, 1e-15, "what the sides share cancels out")

	// a: 2 6, ratio 4, parts -2/8, 2/8. b: 3 1, ratio 2, parts 1/4, -1/4. Differences -1/2 and 1/2.
	s, ok = LogQuotient(a, []Cluster{{3, 1}, {1, 1}})
	require.True(t, ok)
	require.InDelta(t, math.Sqrt(2*0.5), s.Err, 1e-15)

	// Independent: relative errors add in squares. a: sd of 2 6 is sqrt(8), error 2, relative 1/2; b the same.
	s, ok = LogQuotientUnpaired(Ratio(a), Ratio(b))
	require.True(t, ok)
	require.InDelta(t, math.Sqrt(0.25+0.25), s.Err, 1e-15)
	require.InDelta(t, 2, s.DF, 1e-12, "Welch: (1/4+1/4)²/(1/16+1/16)")

	_, ok = LogQuotient(a, b[:1])
	require.False(t, ok)
	_, ok = LogQuotient([]Cluster{{0, 1}, {0, 1}}, b)
	require.False(t, ok)
}

// TestFarFromTheEstimate: what is many standard errors away is shown, however skewed the clusters; limits and p-values
// stay each other's inverse there.
func TestFarFromTheEstimate(t *testing.T) {
	s := Student{Value: 1, Err: 0.1, DF: 19, Skew: 0.4}
	require.Less(t, s.PBelow(2.2), 1e-7, "12 standard errors")
	for _, alpha := range []float64{0.05, 1e-3, 1e-5, 1e-9} {
		require.InEpsilon(t, alpha, s.PBelow(s.Upper(alpha)), 1e-6)
	}
	last := 1.0
	for bound := 1.0; bound < 3; bound += 0.01 {
		p := s.PBelow(bound)
		require.LessOrEqual(t, p, last, bound)
		last = p
	}
}

func TestSkewedStudent(t *testing.T) {
	plain := Student{Value: 1, Err: 0.1, DF: 15}
	skewed := Student{Value: 1, Err: 0.1, DF: 15, Skew: 0.3}
	require.Greater(t, skewed.Upper(0.05), plain.Upper(0.05))
	require.Equal(t, plain.Lower(0.05), skewed.Lower(0.05), "only the skewed side moves")
	mirrored := Student{Value: -1, Err: 0.1, DF: 15, Skew: -0.3}
	require.InDelta(t, -skewed.Upper(0.05), mirrored.Lower(0.05), 1e-15)
	// g(t) = t + s t²/3 + s² t³/27 + s/6 by hand at t = -2, s = 0.3: -2 + 0.4 - 0.0266667 + 0.05.
	require.InDelta(t, StudentCDF(-1.5766666667, 15), skewed.PBelow(1.2), 1e-10)
	for _, s := range []Student{plain, skewed, mirrored, {Value: 5, Err: 2, DF: 3, Skew: 1.5}} {
		for _, alpha := range []float64{0.2, 0.05, 0.01, 0.001} {
			require.InDelta(t, alpha, s.PBelow(s.Upper(alpha)), 1e-9, "limits and p-values agree")
			require.InDelta(t, alpha, s.PAbove(s.Lower(alpha)), 1e-9)
		}
	}
	require.InDelta(t, 1.25/4, plain.SkewedAtLeast(1.25).Skew, 1e-15)
	require.Equal(t, 0.3, skewed.SkewedAtLeast(0.1).Skew)
	exact := Student{Value: 1, DF: 3}
	require.Equal(t, []float64{1, 1, 0, 1, 0}, []float64{exact.Upper(0.05), exact.Lower(0.05), exact.PBelow(1), exact.PBelow(0.9), exact.PAbove(1)})
}

func TestMonotoneScales(t *testing.T) {
	s := Student{Value: math.Log(2), Err: 0.1, DF: 10}
	e := Exp(s)
	require.InDelta(t, 2, e.Estimate(), 1e-15)
	require.InDelta(t, 0.2, e.StdErr(), 1e-15)
	require.InDelta(t, math.Exp(s.Upper(0.05)), e.Upper(0.05), 1e-15)
	require.InDelta(t, 0.05, e.PBelow(e.Upper(0.05)), 1e-9)
	r := Scaled(e, 1, -1)
	require.InDelta(t, e.Lower(0.05)-1, r.Lower(0.05), 1e-15)
	require.InDelta(t, 0.05, r.PAbove(r.Lower(0.05)), 1e-9)
	q := Sqrt(Student{Value: 4, Err: 1, DF: 10})
	require.Equal(t, 2.0, q.Estimate())
	require.Equal(t, 0.25, q.StdErr())
	require.Zero(t, Sqrt(Student{Value: 1, Err: 5, DF: 10}).Lower(0.05))
	require.Equal(t, 1.0, q.PBelow(-1), "a root is not below zero")
}

func TestWilsonOfTables(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{ // Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
	} {
		low, high := Wilson(c.k, c.n, 0.95)
		require.InDelta(t, c.low, low, 5e-5, "%v", c)
		require.InDelta(t, c.high, high, 5e-5, "%v", c)
	}
	low, high := Wilson(0, 0, 0.95)
	require.Equal(t, [2]float64{0, 1}, [2]float64{low, high})
	_, high = Wilson(7, 7, 0.95)
	require.Equal(t, 1.0, high)
}

// binomialSum is P(from <= X <= to) exactly, of a share num/den.
func binomialSum(n, from, to int, num, den int64) float64 {
	sum := new(big.Int)
	for i := from; i <= to; i++ {
		x := new(big.Int).Binomial(int64(n), int64(i))
		x.Mul(x, new(big.Int).Exp(big.NewInt(num), big.NewInt(int64(i)), nil))
		x.Mul(x, new(big.Int).Exp(big.NewInt(den-num), big.NewInt(int64(n-i)), nil))
		sum.Add(sum, x)
	}
	f, _ := new(big.Rat).SetFrac(sum, new(big.Int).Exp(big.NewInt(den), big.NewInt(int64(n)), nil)).Float64()
	return f
}

func TestMcNemarIsExact(t *testing.T) {
	for b := range 30 {
		for c := range 30 {
			want := math.Min(1, 2*binomialSum(b+c, 0, min(b, c), 1, 2))
			require.InDelta(t, want, McNemar(b, c), 1e-12, "%d %d", b, c)
		}
	}
	require.Equal(t, 1.0, McNemar(0, 0))
	require.InDelta(t, 0.00390625, McNemar(0, 9), 1e-15) // 2/512
}

func TestBinomialIsExact(t *testing.T) {
	for _, n := range []int{1, 5, 20, 77} {
		for k := 0; k <= n; k++ {
			b := Binomial{float64(k), float64(n)}
			for _, num := range []int64{1, 30, 50, 93} {
				bound := float64(num) / 100
				require.InDelta(t, binomialSum(n, 0, k, num, 100), b.PBelow(bound), 1e-11, "%d of %d at %v", k, n, bound)
				require.InDelta(t, binomialSum(n, k, n, num, 100), b.PAbove(bound), 1e-11, "%d of %d at %v", k, n, bound)
			}
		}
	}
	// Clopper and Pearson's interval of 10 in 20 at 95 %: 0.2720 to 0.7280.
	low, high := Interval(Binomial{10, 20}, 0.95)
	require.InDelta(t, 0.2720, low, 5e-5)
	require.InDelta(t, 0.7280, high, 5e-5)
	require.Equal(t, 1.0, Binomial{20, 20}.Upper(0.05))
	require.Equal(t, 0.0, Binomial{0, 20}.Lower(0.05))
	require.InDelta(t, 1-math.Pow(0.05, 1.0/20), Binomial{0, 20}.Upper(0.05), 1e-12)
	require.InDelta(t, 0.05, Binomial{200000, 255000}.PBelow(Binomial{200000, 255000}.Upper(0.05)), 1e-6)
}

// A share of which no cluster lacks the property is not certain to be 1.
func TestShareOfAll(t *testing.T) {
	c := slices.Repeat([]Cluster{{10, 10}}, 5)
	require.InDelta(t, math.Pow(0.05, 1.0/50), Share(c).Lower(0.05), 1e-12)
	require.Equal(t, 1.0, Share(c).Estimate())
	require.InDelta(t, math.Pow(0.99, 50), Share(c).PAbove(0.99), 1e-12)
}

func TestHolm(t *testing.T) {
	// Sorted 0.005 0.01 0.03 0.04, times 4 3 2 1 and not decreasing: 0.02 0.03 0.06 0.06.
	require.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, Holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-15)
	require.Equal(t, []float64{1, 1}, Holm([]float64{0.9, 0.8}))
	require.Empty(t, Holm(nil))
	require.Equal(t, []float64{0.04}, Holm([]float64{0.04}))
}

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

func TestWelch(t *testing.T) {
	d := Difference(Student{Value: 3, Err: 1, DF: 4}, Student{Value: 1, Err: 2, DF: 9})
	require.Equal(t, 2.0, d.Value)
	require.InDelta(t, math.Sqrt(5), d.Err, 1e-15)
	require.InDelta(t, 25/(1/4.0+16/9.0), d.DF, 1e-12)
	require.True(t, math.IsInf(Difference(Student{Value: 3, Err: 1, DF: 4}, Student{Value: 1}).Upper(0.05), 1))
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
