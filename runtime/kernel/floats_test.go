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
)

// TestFloatProductsInTiles: where there are tiles, fast computation of many tokens takes weights of 16 bits as BF16, and
// those of 32 as they are.
func TestFloatProductsInTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	const tokens, cols = 40, 608
	p := NewPool(2)
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16} {
		for _, rows := range []int{1, 16, 75, 300} {
			w, err := NewMatrix(typ, rows, cols, encoded(r, typ, rows, cols))
			require.NoError(t, err)
			x := random(r, tokens*cols)
			exact, fast := product(p, w, x, tokens, Exact), product(p, w, x, tokens, Fast)
			if typ == gguf.F32 || active().tilesBF16 == nil {
				require.True(t, slices.Equal(exact, fast))
				continue
			}
			var distance, size float64
			for i, v := range exact {
				d := float64(v - fast[i])
				distance, size = distance+d*d, size+float64(v)*float64(v)
			}
			require.Less(t, math.Sqrt(distance/size), 4e-3, "%s %d rows", typ, rows)
			require.True(t, slices.Equal(fast[:20*rows], product(p, w, x, 20, Fast)))
		}
	}
}

// TestFloatProducts: products with weights that are floats are close to those in float64, and the same bits on any tier,
// in any batch and with any number of threads.
func TestFloatProducts(t *testing.T) {
	const tokens = 15
	pools := []*Pool{NewPool(1), NewPool(3)}
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16} {
		for _, shape := range [][2]int{{1, 1}, {3, 16}, {17, 31}, {40, 576}, {33, 1040}} {
			rows, cols := shape[0], shape[1]
			r := rand.New(rand.NewPCG(6, uint64(cols)))
			w, err := NewMatrix(typ, rows, cols, encoded(r, typ, rows, cols))
			require.NoError(t, err)
			x := random(r, tokens*cols)
			var first []float32
			for _, tier := range cpu.Ladder() {
				restore := cpu.Force(tier)
				name := fmt.Sprintf("%s %dx%d %s", typ, rows, cols, tier)
				all := product(pools[1], w, x, tokens, Exact)
				if first == nil {
					first = all
					row := make([]float32, cols)
					for i := range rows {
						w.Row(row, i)
						for j := range tokens {
							var sum, size float64
							for c, v := range row {
								p := float64(v) * float64(x[j*cols+c])
								sum, size = sum+p, size+math.Abs(p)
							}
							require.InDelta(t, sum, all[j*rows+i], 1e-6*size, name)
						}
					}
				}
				require.True(t, slices.Equal(first, all), name)
				for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 12, 13} {
					require.True(t, slices.Equal(all[:n*rows], product(pools[n%2], w, x, n, Exact)), "%s: %d tokens", name, n)
				}
				restore()
			}
		}
	}
}
