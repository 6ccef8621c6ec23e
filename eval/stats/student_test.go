package stats

import (
	"math"
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

func TestWelch(t *testing.T) {
	d := Difference(Student{Value: 3, Err: 1, DF: 4}, Student{Value: 1, Err: 2, DF: 9})
	require.Equal(t, 2.0, d.Value)
	require.InDelta(t, math.Sqrt(5), d.Err, 1e-15)
	require.InDelta(t, 25/(1/4.0+16/9.0), d.DF, 1e-12)
	require.True(t, math.IsInf(Difference(Student{Value: 3, Err: 1, DF: 4}, Student{Value: 1}).Upper(0.05), 1))
}
