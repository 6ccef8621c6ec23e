package stats

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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

// TestSharesStayShares: Student's limits of a share near 1 would be beyond it.
func TestSharesStayShares(t *testing.T) {
	c := []Cluster{{98, 100}, {100, 100}, {99, 100}, {100, 100}, {93, 100}}
	require.Equal(t, 1.0, Share(c).Upper(1e-4))
	for i := range c {
		c[i].Sum = 100 - c[i].Sum
	}
	require.Zero(t, Share(c).Lower(1e-4))
	require.True(t, math.IsInf(Share(c[:1]).Upper(0.05), 1), "one cluster has no limits")
}
