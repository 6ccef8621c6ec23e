package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// encodeF32 returns the bytes of an F32 tensor.
func encodeF32(x []float32) []byte {
	data := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return data
}

func matrixF32(t *testing.T, rows, cols int, x []float32) *Matrix {
	m, err := NewMatrix(gguf.F32, rows, cols, encodeF32(x))
	require.NoError(t, err)
	return m
}

func TestMatMulMatchesFloat64(t *testing.T) {
	everyTier(t, func(t *testing.T, k *tier) {
		defer cpu.Force(k.id)()
		r := rand.New(rand.NewPCG(5, 6))
		for _, shape := range [][3]int{{1, 1, 1}, {3, 5, 2}, {4, 8, 3}, {17, 31, 4}, {33, 64, 7}, {40, 257, 5}, {16, 600, 1}} {
			rows, cols, n := shape[0], shape[1], shape[2]
			w, x := random(r, rows*cols), random(r, n*cols)
			want := make([]float32, n*rows)
			for j := range n {
				for i := range rows {
					var sum float64
					for c := range cols {
						sum += float64(w[i*cols+c]) * float64(x[j*cols+c])
					}
					want[j*rows+i] = float32(sum)
				}
			}
			got, check := guarded(t, n*rows)
			NewPool(2).MatMul(got, matrixF32(t, rows, cols, w), x, n)
			requireClose(t, want, got, 1e-4, fmt.Sprint(shape))
			check()
		}
	})
}

// TestMatMulMInvariance: a row of results is the same bits for any batch size and thread count.
func TestMatMulMInvariance(t *testing.T) {
	everyTier(t, func(t *testing.T, k *tier) {
		defer cpu.Force(k.id)()
		r := rand.New(rand.NewPCG(7, 8))
		const rows, cols, n = 75, 520, 8
		w, x := matrixF32(t, rows, cols, random(r, rows*cols)), random(r, n*cols)
		want := make([]float32, n*rows)
		for j := range n {
			NewPool(1).MatMul(want[j*rows:(j+1)*rows], w, x[j*cols:(j+1)*cols], 1)
		}
		for batch := 2; batch <= n; batch++ {
			for _, threads := range []int{1, 2, 5} {
				got := make([]float32, batch*rows)
				NewPool(threads).MatMul(got, w, x[:batch*cols], batch)
				require.Equal(t, want[:batch*rows], got, "batch %d, %d threads", batch, threads)
			}
		}
	})
}

func TestMatMulsAreMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	a, b, x := matrixF32(t, 20, 24, random(r, 480)), matrixF32(t, 7, 24, random(r, 168)), random(r, 72)
	wantA, wantB, gotA, gotB := make([]float32, 60), make([]float32, 21), make([]float32, 60), make([]float32, 21)
	p := NewPool(2)
	p.MatMul(wantA, a, x, 3)
	p.MatMul(wantB, b, x, 3)
	p.MatMuls(x, 3, Product{gotA, a}, Product{gotB, b})
	require.Equal(t, wantA, gotA)
	require.Equal(t, wantB, gotB)
	part := make([]float32, 3*5)
	p.MatMul(part, a.RowRange(4, 5), x, 3)
	require.Equal(t, wantA[4:9], part[:5])
}

func TestNewMatrixRejects(t *testing.T) {
	_, err := NewMatrix(gguf.F32, 2, 2, make([]byte, 15))
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = NewMatrix(gguf.Q8_0, 1, 33, make([]byte, 34))
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = NewMatrix(gguf.Type(5), 1, 32, nil)
	require.ErrorIs(t, err, gguf.ErrInput)
}
