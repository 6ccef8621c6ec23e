package hessian

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// naive is Products in float64.
func naive(dst, x, w []float32, n, rows, cols int) {
	for i := range n {
		for j := range rows {
			var sum float64
			for k := range cols {
				sum += float64(x[i*cols+k]) * float64(w[j*cols+k])
			}
			dst[i*rows+j] = float32(sum)
		}
	}
}

// correlated returns rows of activations whose columns have something to do with each other.
func correlated(seed uint64, rows, cols int) []float32 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	mix := make([]float64, cols*cols)
	for i := range mix {
		mix[i] = rnd.NormFloat64() / float64(1+i%cols)
	}
	x := make([]float32, rows*cols)
	z := make([]float64, cols)
	for r := range rows {
		for i := range z {
			z[i] = rnd.NormFloat64()
		}
		for c := range cols {
			var v float64
			for i, zi := range z {
				v += mix[c*cols+i] * zi
			}
			x[r*cols+c] = float32(v * (1 + float64(c%7)))
		}
	}
	return x
}

func TestMoments(t *testing.T) {
	const rows, cols = 700, 70
	x := correlated(1, rows, cols)
	m := New(cols, naive)
	require.NoError(t, m.Add(x[:123*cols]))
	require.NoError(t, m.Add(x[123*cols:]))
	require.EqualValues(t, rows, m.Rows)
	for _, at := range [][2]int{{0, 0}, {69, 3}, {3, 69}, {64, 63}, {30, 12}} {
		var want float64
		for r := range rows {
			want += float64(x[r*cols+at[0]]) * float64(x[r*cols+at[1]])
		}
		require.InEpsilon(t, want, m.At(at[0], at[1]), 1e-5)
	}
	e := correlated(2, 3, cols)
	var loss float64
	for r := range 3 {
		for i := range cols {
			for j := range cols {
				loss += float64(e[r*cols+i]) * m.At(i, j) * float64(e[r*cols+j])
			}
		}
	}
	require.InEpsilon(t, loss, m.Loss(e), 1e-4)
}

func TestFactor(t *testing.T) {
	const cols = 150 // more than two panels
	m := New(cols, naive)
	require.NoError(t, m.Add(correlated(3, 400, cols)))
	f, err := m.Factor(0.1, 1)
	require.NoError(t, err)
	for k := 1; k < cols; k++ {
		require.GreaterOrEqual(t, f.H[(k-1)*cols+k-1], f.H[k*cols+k], "columns come by falling moments")
	}
	// H = transpose(F+I)*D*(F+I): with D from the diagonal, last column first.
	d := make([]float64, cols)
	for k := cols - 1; k >= 0; k-- {
		d[k] = float64(f.H[k*cols+k])
		for i := k + 1; i < cols; i++ {
			d[k] -= float64(f.Feedback[i*cols+k]) * float64(f.Feedback[i*cols+k]) * d[i]
		}
		require.Positive(t, d[k])
		require.InEpsilon(t, d[k], f.D[k], 1e-3)
	}
	at := func(k, i int) float64 {
		if k == i {
			return 1
		}
		return float64(f.Feedback[k*cols+i])
	}
	scale := float64(f.H[0])
	for i := range cols {
		for j := range i + 1 {
			var sum float64
			for k := i; k < cols; k++ {
				sum += at(k, i) * d[k] * at(k, j)
			}
			require.InDelta(t, float64(f.H[i*cols+j])/scale, sum/scale, 1e-5)
		}
	}
	require.Less(t, f.Gain, 0.9)
}

func TestFactorRefuses(t *testing.T) {
	m := New(4, naive)
	require.NoError(t, m.Add(make([]float32, 8)))
	_, err := m.Factor(0.1, 1)
	require.ErrorIs(t, err, ErrSingular)
}

// TestFactorGroups: groups of columns stay together, in their order, and come by the sum of their moments.
func TestFactorGroups(t *testing.T) {
	const cols, group = 24, 4
	m := New(cols, naive)
	require.NoError(t, m.Add(correlated(4, 200, cols)))
	f, err := m.Factor(0.1, group)
	require.NoError(t, err)
	seen := map[int]bool{}
	last := math.Inf(1)
	for k := 0; k < cols; k += group {
		require.Zero(t, f.Order[k]%group)
		var sum float64
		for i, c := range f.Order[k : k+group] {
			require.Equal(t, f.Order[k]+i, c)
			seen[c] = true
			sum += m.At(c, c)
		}
		require.LessOrEqual(t, sum, last)
		last = sum
	}
	require.Len(t, seen, cols)
	alone, err := m.Factor(0.1, 1)
	require.NoError(t, err)
	require.NotEqual(t, alone.Order, f.Order)
}
