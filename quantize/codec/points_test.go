package codec

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestPoints: for random blocks, of which every one is as Pack writes it, the values are those of Decode, bit for bit, levels keep the
// rules, and Pack undoes Split while scales stay.
func TestPoints(t *testing.T) {
	for typ := range points {
		t.Run(typ.String(), func(t *testing.T) {
			p, ok := PointsOf(typ)
			require.True(t, ok)
			_, ok = GridOf(typ)
			require.False(t, ok, "levels are not free")
			const cols = 64 * superBlock
			r := rand.New(rand.NewPCG(3, uint64(typ)))
			row := randomBlocks(r, typ, cols/superBlock)
			levels, scales, offsets := make([]uint8, cols), make([]float32, cols/p.Sub), make([]float32, cols/p.Sub)
			p.Split(levels, scales, offsets, row)

			want, got := make([]float32, cols), make([]float32, cols)
			c, _ := For(typ)
			c.Decode(want, row)
			for i, l := range levels {
				got[i] = float32(scales[i/p.Sub] * p.Levels[l])
			}
			requireBits(t, want, got, "split")
			requireOnPoints(t, p, levels)

			packed := bytes.Clone(row)
			other := bytes.Repeat([]byte{8}, cols) // the point of the least magnitudes is in both books
			p.Pack(packed, other)
			require.NotEqual(t, row, packed)
			left := make([]uint8, cols)
			leftScales := make([]float32, len(scales))
			p.Split(left, leftScales, offsets, packed)
			require.Equal(t, other, left)
			require.Equal(t, scales, leftScales)
			p.Pack(packed, levels)
			require.Equal(t, row, packed)
		})
	}
	_, ok := PointsOf(gguf.Q4_0)
	require.False(t, ok)
}

// requireOnPoints checks that levels are of points, with signs as they may be.
func requireOnPoints(t *testing.T, p *Points, levels []uint8) {
	t.Helper()
	book := map[[4]uint8]bool{}
	for _, q := range p.Book {
		book[q] = true
	}
	for i := 0; i < len(levels); i += 8 {
		negative := 0
		for half := 0; half < 8; half += 4 {
			var q [4]uint8
			for k, l := range levels[i+half:][:4] {
				if q[k] = l - 8; l < 8 {
					q[k] = 7 - l
					negative++
				}
			}
			require.True(t, book[q], "%v", q)
		}
		if p.EvenSigns {
			require.Zero(t, negative%2)
		}
	}
}

func TestPointLevels(t *testing.T) {
	for _, p := range points {
		require.Len(t, p.Levels, 16)
		for m := range 8 {
			require.Positive(t, p.Levels[8+m])
			require.Equal(t, -p.Levels[8+m], p.Levels[7-m])
			if m > 0 {
				require.Less(t, p.Levels[7+m], p.Levels[8+m])
			}
		}
		require.Equal(t, map[bool]int{false: 4, true: 8}[p.EvenSigns], p.Group())
	}
	require.Len(t, points[gguf.IQ3_S].Book, 512)
	require.Len(t, points[gguf.IQ3_XXS].Book, 256)
}
