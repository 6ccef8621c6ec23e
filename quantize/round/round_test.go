package round

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
	"github.com/stretchr/testify/require"
)

// product is hessian.Products in the order of the columns.
func product(dst, x, w []float32, n, rows, cols int) {
	for i := range n {
		for j := range rows {
			var sum float32
			for k, v := range x[i*cols:][:cols] {
				sum += float32(v * w[j*cols+k])
			}
			dst[i*rows+j] = sum
		}
	}
}

// activations are rows whose columns have few directions in common, and some noise of their own; the same seed mixes alike.
func activations(seed, of uint64, rows, cols int) []float32 {
	mixing, rnd := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, of))
	const directions = 24
	mix := make([]float32, directions*cols)
	for i := range mix {
		mix[i] = float32(mixing.NormFloat64())
	}
	x := make([]float32, rows*cols)
	for r := range rows {
		row := x[r*cols:][:cols]
		for d := range directions {
			z := float32(rnd.NormFloat64()) / float32(1+d)
			for c := range row {
				row[c] += z * mix[d*cols+c]
			}
		}
		for c := range row {
			row[c] += 0.1 * float32(rnd.NormFloat64())
		}
	}
	return x
}

func weights(seed uint64, rows, cols int) []float32 {
	rnd := rand.New(rand.NewPCG(seed, 9))
	w := make([]float32, rows*cols)
	for i := range w {
		w[i] = float32(rnd.NormFloat64()) / 16
	}
	return w
}

// types are those whose levels are chosen.
var types = []gguf.Type{gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q8_0, gguf.IQ4_NL, gguf.MXFP4,
	gguf.Q2_K, gguf.Q3_K, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K, gguf.IQ4_XS, gguf.IQ3_S, gguf.IQ3_XXS}

const testRows, testCols = 24, 256

func testInput(t *testing.T) *hessian.Input {
	l := looker{"w": func(chunk int) []float32 { return activations(5, uint64(chunk+2), 96, testCols) }}
	var in *hessian.Input
	require.NoError(t, hessian.Collect(t.Context(), l, 5, product, func(hessian.Matrix) bool { return true }, 1<<30, func(i *hessian.Input) error {
		in = i
		return nil
	}))
	return in
}

// looker shows products with tensors that are given for each chunk.
type looker map[string]func(chunk int) []float32

func (l looker) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	for name, x := range l {
		f(name, 0, 1, x(i), testCols)
	}
	return nil
}

// parallel is Options.Each with a goroutine for each call.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// TestInput: on tokens that nobody has seen the output's error is far below the encoder's, for every format, and the same bytes come
// from any number of threads.
func TestInput(t *testing.T) {
	w := weights(1, testRows, testCols)
	unseen := hessian.New(testCols, product)
	require.NoError(t, unseen.Add(activations(5, 1000, 512, testCols)))
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			m := Matrix{Type: typ, Rows: testRows, Read: func(dst []float32, first, n int) error {
				copy(dst, w[first*testCols:(first+n)*testCols])
				return nil
			}}
			in := testInput(t)
			plain := make([]byte, testRows*int(typ.RowBytes(testCols)))
			c, _ := codec.For(typ)
			c.Encode(plain, w, testCols, in.Weights())
			got, err := Input(in, []Matrix{m}, Options{Sweeps: 2, Rescale: true, Product: product, Each: parallel})
			require.NoError(t, err)
			require.Less(t, got[0].Shrinkage, 1.0)
			require.Less(t, got[0].Loss, got[0].Plain)
			share := loss(unseen, typ, w, got[0].Data) / loss(unseen, typ, w, plain)
			require.Less(t, share, 0.05, "the encoder's scales, other levels")

			again, err := Input(testInput(t), []Matrix{m}, Options{Sweeps: 2, Rescale: true, Product: product})
			require.NoError(t, err)
			require.True(t, bytes.Equal(got[0].Data, again[0].Data))
		})
	}
}

// TestSweepsNeverHarm: each sweep, and one over scales, leaves the loss on the matrix that it is given as it was, or smaller.
func TestSweepsNeverHarm(t *testing.T) {
	w, in := weights(2, testRows, testCols), testInput(t)
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			f, err := in.Tiles[0].Train.Factor(0.1, group(typ))
			require.NoError(t, err)
			c, _ := codec.For(typ)
			var last, scales float64
			for i, o := range []Options{{}, {Sweeps: 1}, {Sweeps: 1, Rescale: true}, {Sweeps: 2, Rescale: true}, {Sweeps: 3, Rescale: true}} {
				encoded := make([]byte, testRows*int(typ.RowBytes(testCols)))
				c.Encode(encoded, w, testCols, in.Weights())
				o.Product = product
				rows(encoded, w, typ, f, o)
				sum := regularized(f, typ, w, encoded)
				if i > 0 {
					require.LessOrEqual(t, sum, last*(1+1e-6), "step %d", i)
				}
				if i == 2 {
					scales = sum / last
				}
				last = sum
			}
			if typ != gguf.MXFP4 && group(typ) == 1 { // whose scales are not powers of two, and are moved
				require.Less(t, scales, 1.0)
			}
		})
	}
}

// regularized is the loss of encoded rows in place of w, in the moments that the factor was made of.
func regularized(f *hessian.Factor, typ gguf.Type, w []float32, encoded []byte) (sum float64) {
	c, _ := codec.For(typ)
	e := make([]float32, len(w))
	c.Decode(e, encoded)
	ordered := make([]float32, len(w))
	for r := range testRows {
		for k, col := range f.Order {
			ordered[r*testCols+k] = e[r*testCols+col] - w[r*testCols+col]
		}
	}
	g := make([]float32, len(w))
	product(g, ordered, f.H, testRows, testCols, testCols)
	for i, v := range ordered {
		sum += float64(v) * float64(g[i])
	}
	return sum
}

// TestInputPlain: where columns have nothing to do with each other in what was held out, the encoder's levels stay.
func TestInputPlain(t *testing.T) {
	l := looker{"w": func(chunk int) []float32 {
		if chunk == 7 { // held out: another text altogether
			x := weights(77, 256, testCols)
			for i := range x {
				if i%testCols%2 == 0 {
					x[i] *= -50
				}
			}
			return x
		}
		return slices.Repeat(activations(5, 3, 2, testCols), 64) // two tokens again and again
	}}
	w := weights(3, testRows, testCols)
	require.NoError(t, hessian.Collect(t.Context(), l, 8, product, func(hessian.Matrix) bool { return true }, 1<<30, func(in *hessian.Input) error {
		m := Matrix{Type: gguf.Q5_0, Rows: testRows, Read: func(dst []float32, first, n int) error {
			copy(dst, w[first*testCols:(first+n)*testCols])
			return nil
		}}
		plain := make([]byte, testRows*int(gguf.Q5_0.RowBytes(testCols)))
		c, _ := codec.For(gguf.Q5_0)
		c.Encode(plain, w, testCols, in.Weights())
		got, err := Input(in, []Matrix{m}, Options{Sweeps: 1, Product: product})
		require.NoError(t, err)
		require.Equal(t, 1.0, got[0].Shrinkage)
		require.Equal(t, plain, got[0].Data)
		return nil
	}))
}

func encodeF32(dst []byte, x []float32) error {
	c, _ := codec.For(gguf.F32)
	c.Encode(dst, x, len(x), nil)
	return nil
}
