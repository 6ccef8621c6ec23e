package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/quantize/codec"
)

// integerTypes are the types of weights that are integers.
func integerTypes() (types []gguf.Type) {
	for t := range gguf.Type(64) {
		if _, ok := codec.IntegersOf(t); ok {
			types = append(types, t)
		}
	}
	return types
}

// encoded returns rows x cols Gaussian weights of type t.
func encoded(r *rand.Rand, t gguf.Type, rows, cols int) []byte {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	c, _ := codec.For(t)
	data := make([]byte, rows*int(t.RowBytes(int64(cols))))
	weights := make([]float32, cols)
	for i := range weights {
		weights[i] = 1
	}
	c.Encode(data, x, cols, weights)
	return data
}

// product multiplies the first n rows of x by w.
func product(p *Pool, w *Matrix, x []float32, n int, compute Compute) []float32 {
	got := make([]float32, n*w.Rows)
	m := Multiplier{Compute: compute}
	m.MatMuls(p, x[:n*w.Cols], n, Product{got, w})
	return got
}

// TestIntegerProducts: products with every type of integers are close to those of the decoded weights, the same bits in
// any batch, on any tier and with any number of threads.
func TestIntegerProducts(t *testing.T) {
	const rows, tokens = 75, 33
	pools := []*Pool{NewPool(1), NewPool(3)}
	for _, typ := range integerTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, uint64(typ)))
			cols := 576
			if typ.BlockSize() == 256 {
				cols = 1280
			} else if typ.BlockSize() == 128 {
				cols = 640
			}
			w, err := NewMatrix(typ, rows, cols, encoded(r, typ, rows, cols))
			require.NoError(t, err)
			require.NoError(t, Prepare(pools[0], []Loading{{W: w}}))
			x := random(r, tokens*cols)
			row, exact, size := make([]float32, cols), make([]float64, tokens*rows), make([]float64, tokens*rows)
			for i := range rows {
				w.Row(row, i)
				for j := range tokens {
					var sum, squares float64
					for c, v := range row {
						sum += float64(v) * float64(x[j*cols+c])
						squares += float64(v) * float64(v)
					}
					exact[j*rows+i], size[j*rows+i] = sum, math.Sqrt(squares)
				}
			}
			var first [2][]float32
			for _, tier := range cpu.Ladder() {
				restore := cpu.Force(tier)
				for compute, bound := range map[Compute]float64{Exact: 4e-4, Fast: 0.05} {
					all := product(pools[1], w, x, tokens, compute)
					for i, v := range all {
						if d := math.Abs(exact[i] - float64(v)); d > bound*size[i] {
							require.Failf(t, "not close", "%s %s: element %d: want %g, got %g", tier, compute, i, exact[i], v)
						}
					}
					// Tiles compute many tokens in BF16, and few as the others do.
					tiles := compute == Fast && active().tilesBF16 != nil
					if first[compute] == nil {
						first[compute] = all
					}
					if !tiles {
						require.True(t, slices.Equal(first[compute], all), "%s %s", tier, compute)
					}
					for _, n := range []int{1, 2, 3, 6, 7, 12, 13, 14, 15, 16, 17, 29, 32} {
						want := all
						if tiles && n <= active().mostNarrow {
							want = first[compute]
						}
						require.True(t, slices.Equal(want[:n*rows], product(pools[n%2], w, x, n, compute)), "%s %s: %d tokens", tier, compute, n)
					}
				}
				restore()
			}
		})
	}
}

// TestMultiplierIsReused: what a Multiplier computed before does not matter.
func TestMultiplierIsReused(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	p := NewPool(2)
	const rows, cols = 300, 256
	w, err := NewMatrix(gguf.Q4_K, rows, cols, encoded(r, gguf.Q4_K, rows, cols))
	require.NoError(t, err)
	f := matrixF32(t, 40, cols, random(r, 40*cols))
	require.NoError(t, Prepare(p, []Loading{{W: w}}))
	x := random(r, 40*cols)
	var m Multiplier
	for _, n := range []int{1, 30, 2, 40, 13, 1, 5} {
		got, other := make([]float32, n*rows), make([]float32, n*f.Rows)
		m.MatMuls(p, x[:n*cols], n, Product{got, w}, Product{other, f})
		require.True(t, slices.Equal(product(p, w, x, n, Exact), got), "%d tokens", n)
		require.True(t, slices.Equal(product(p, f, x, n, Exact), other), "%d tokens", n)
	}
}

// TestExtremeCodes: products with the greatest and the least of codes and activations, whose sums must not overflow what
// a tier adds them in, are the same bits on any tier.
func TestExtremeCodes(t *testing.T) {
	const rows, cols, tokens = 32, 256, 20
	p := NewPool(1)
	for _, typ := range integerTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(8, uint64(typ)))
			w, err := NewMatrix(typ, rows, cols, encoded(r, typ, rows, cols))
			require.NoError(t, err)
			require.NoError(t, Prepare(p, []Loading{{W: w}}))
			l := w.integers
			for i := range l.count() {
				codes := l.panel(i)[l.codes:]
				for plane := range len(codes) / vectorBytes {
					for row := range panelRows { // all combinations in two pairs of planes, so that rows have runs of one code
						fill := 0x55 * byte(row>>(plane%l.f.Bits/2%2*2)&3)
						copy(codes[plane*vectorBytes+4*row:], []byte{fill, fill, fill, fill})
					}
				}
			}
			x := make([]float32, tokens*cols)
			for i := range x {
				switch token := i / cols; token {
				case 0, 1:
					x[i] = float32(1 - 2*token)
				default:
					x[i] = float32(1 - 2*r.IntN(2))
				}
			}
			var first [2][]float32
			for _, tier := range cpu.Ladder() {
				restore := cpu.Force(tier)
				for _, compute := range []Compute{Exact, Fast} {
					for _, n := range []int{1, 2, tokens} {
						got := product(p, w, x, n, compute)
						if tier == cpu.Generic {
							first[compute] = got
						}
						if compute == Fast && active().tilesBF16 != nil && n > active().mostNarrow {
							continue // in BF16
						}
						require.Equal(t, first[compute][:len(got)], got, "%s %s: %d tokens", tier, compute, n)
					}
				}
				restore()
			}
		})
	}
}

// TestRounding: what rows of activations become on all tiers, extremes among them.
func TestRounding(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	r := rand.New(rand.NewPCG(1, 5))
	x := random(r, 10*blockCols)
	copy(x[0:], []float32{0, -1, 1, 0.5, -0.5, 1. / 3})
	clear(x[blockCols : 2*blockCols])
	x[2*blockCols+3], x[3*blockCols+31] = inf, nan
	for i := range blockCols {
		x[4*blockCols+i] *= 1e-33
		x[5*blockCols+i] *= 1e-29
		x[6*blockCols+i] *= 1e37
	}
	x[7*blockCols] = -1e20
	type result struct {
		split, bytes []int8
		words        []int16
		scales       [3][]uint32
		sums         [3][]int32
	}
	var want *result
	for _, tier := range cpu.Ladder() {
		restore := cpu.Force(tier)
		got := &result{split: make([]int8, 2*len(x)), bytes: make([]int8, len(x)), words: make([]int16, len(x))}
		for i := range got.scales {
			scales := make([]float32, 10)
			got.sums[i] = make([]int32, 20)
			switch k := active(); i {
			case 0:
				k.roundNarrow(got.split, x, scales, got.sums[i])
			case 1:
				k.roundWide(got.words, x, scales, got.sums[i])
			case 2:
				k.roundBytes(got.bytes, x, scales, got.sums[i])
			}
			for b, s := range scales {
				if s != s {
					require.Contains(t, []int{2, 3}, b)
					s = nan
				}
				got.scales[i] = append(got.scales[i], math.Float32bits(s))
			}
		}
		if want == nil {
			want = got
			for i, v := range x[:blockCols] {
				q := float32(int(got.split[i])*128+int(got.split[blockCols+i])) * math.Float32frombits(got.scales[0][0])
				require.InDelta(t, v, q, 2e-4)
				q = float32(got.bytes[i]) * math.Float32frombits(got.scales[2][0])
				require.InDelta(t, v, q, 3e-2)
			}
			require.Zero(t, got.scales[0][1])
		}
		require.Equal(t, want, got, fmt.Sprint(tier))
		restore()
	}
}
