package codec

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestGrid checks that a grid's values are those that Decode gives, bit for bit, and that Pack undoes Split.
func TestGrid(t *testing.T) {
	for typ := range packers {
		t.Run(typ.String(), func(t *testing.T) {
			g, ok := GridOf(typ)
			require.True(t, ok)
			c, _ := For(typ)
			const cols = 512
			rnd := rand.New(rand.NewPCG(1, uint64(typ)))
			src := make([]float32, cols)
			for i := range src {
				src[i] = float32(rnd.NormFloat64()) * 0.1
			}
			row := make([]byte, typ.RowBytes(cols))
			c.Encode(row, src, cols, nil)
			levels, scales, offsets := make([]uint8, cols), make([]float32, cols/g.Sub), make([]float32, cols/g.Sub)
			g.Split(levels, scales, offsets, row)
			decoded := make([]float32, cols)
			c.Decode(decoded, row)
			for i, v := range decoded {
				got := float32(scales[i/g.Sub]*g.Levels[levels[i]]) + offsets[i/g.Sub]
				require.Equal(t, math.Float32bits(v+0), math.Float32bits(got+0), "column %d: %v, not %v", i, got, v)
			}
			packed := bytes.Clone(row)
			g.Pack(packed, make([]uint8, cols)) // other codes
			require.NotEqual(t, row, packed)
			g.Pack(packed, levels)
			require.Equal(t, row, packed)
			for i := 1; i < len(g.Levels); i++ {
				require.Less(t, g.Levels[i-1], g.Levels[i])
				if g.Uniform {
					require.Equal(t, g.Levels[i-1]+1, g.Levels[i])
				}
			}
		})
	}
	_, ok := GridOf(gguf.F16)
	require.False(t, ok)
}

// TestNear: a scale that a grid says a sub-block can have is what it has when it is stored, and nothing else in the row moves.
func TestNear(t *testing.T) {
	for typ := range packers {
		t.Run(typ.String(), func(t *testing.T) {
			g, _ := GridOf(typ)
			row := make([]byte, 2*g.bytes)
			x := make([]float32, 2*g.Block)
			rnd := rand.New(rand.NewPCG(3, 4))
			for i := range x {
				x[i] = float32(rnd.NormFloat64()) / 8
			}
			c, _ := For(typ)
			c.Encode(row, x, len(x), nil)
			subs := len(x) / g.Sub
			split := func(row []byte) (levels []uint8, scales, offsets []float32) {
				levels, scales, offsets = make([]uint8, len(x)), make([]float32, subs), make([]float32, subs)
				g.Split(levels, scales, offsets, row)
				return levels, scales, offsets
			}
			found := 0
			for j := range subs {
				near := g.Near(nil, row, j)
				require.LessOrEqual(t, len(near), MostNear)
				for _, s := range near {
					levels, scales, offsets := split(row)
					require.False(t, scales[j] == s.Scale && offsets[j] == s.Offset, "it is another one")
					scales[j], offsets[j] = s.Scale, s.Offset
					moved := bytes.Clone(row)
					g.SetScale(moved, j, s)
					gotLevels, gotScales, gotOffsets := split(moved)
					require.Equal(t, levels, gotLevels)
					require.Equal(t, scales, gotScales)
					require.Equal(t, offsets, gotOffsets)
					found++
				}
			}
			if typ != gguf.MXFP4 {
				require.Greater(t, found, subs)
			}
		})
	}
}
