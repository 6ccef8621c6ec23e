package eval

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExp(t *testing.T) {
	require.Equal(t, 1.0, exp(0))
	require.Zero(t, exp(math.Inf(-1)))
	require.Zero(t, exp(-701))
	require.True(t, math.IsNaN(exp(math.NaN())))
	worst := 0.0
	for i := range 200000 {
		x := -float64(i) * 0.0034999
		want := math.Exp(x)
		worst = math.Max(worst, math.Abs(exp(x)-want)/want)
	}
	for x := -1e-20; x > -700; x *= 1.01 {
		want := math.Exp(x)
		worst = math.Max(worst, math.Abs(exp(x)-want)/want)
	}
	require.Less(t, worst, 5e-16)
	t.Logf("worst relative error %.2g", worst)
}

// A sum with NaN in it is NaN, wherever it is: a broken model must be seen.
func TestExpSumShowsNaN(t *testing.T) {
	row := []float32{1, 3, float32(math.NaN()), 2}
	require.True(t, math.IsNaN(expSum(row, 3, nil)))
	require.True(t, math.IsNaN(expSum(row, 3, make([]float64, 4))))
	require.InDelta(t, 1+math.Exp(-2), expSum([]float32{1, 3, float32(math.Inf(-1))}, 3, nil), 1e-15)
}
