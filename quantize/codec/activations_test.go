package codec

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestQ8_1 checks a block by hand: d = 127/127 = 1, and halves round away from zero.
func TestQ8_1(t *testing.T) {
	c, _ := For(gguf.Q8_1)
	x := make([]float32, 32)
	x[0], x[1], x[2], x[31] = 127, -0.5, 2.5, -3
	enc := make([]byte, 36)
	c.Encode(enc, x, 32, nil)
	require.Equal(t, float32(1), getF16(enc))
	require.Equal(t, float32(127-1+3-3), getF16(enc[2:]), "d times the sum of the values")
	y := make([]float32, 32)
	c.Decode(y, enc)
	x[1], x[2] = -1, 3
	require.Equal(t, x, y)
}

// TestQ8_K checks a block by hand: the largest magnitude, here positive, becomes -127, and halves round to even.
func TestQ8_K(t *testing.T) {
	c, _ := For(gguf.Q8_K)
	x := make([]float32, 256)
	x[0], x[1], x[2], x[17], x[255] = 127, -0.5, -1.5, -127, 3
	enc := make([]byte, 292)
	c.Encode(enc, x, 256, nil)
	require.Equal(t, float32(-1), math.Float32frombits(binary.LittleEndian.Uint32(enc)))
	sum := func(j int) int16 { return int16(binary.LittleEndian.Uint16(enc[260+2*j:])) }
	require.Equal(t, []int16{-127 + 2, 127, 0, -3}, []int16{sum(0), sum(1), sum(2), sum(15)})
	y := make([]float32, 256)
	c.Decode(y, enc)
	x[1], x[2] = 0, -2
	for i := range x {
		require.Equal(t, x[i], y[i], "element %d", i) // -0 equals 0
	}
	clear(x)
	c.Encode(enc, x, 256, nil)
	require.Equal(t, make([]byte, 292), enc, "a block of zeros, written over an old one")
}

// TestActivationError: the error is half a step, and Q8_1's a little more by its f16 scale.
func TestActivationError(t *testing.T) {
	x, _ := matrix(11, "outlier", 2, 1024)
	for typ, slack := range map[gguf.Type]float32{gguf.Q8_1: 0x1p-10, gguf.Q8_K: 0x1p-20} {
		c, _ := For(typ)
		y := roundTrip(c, x, 1024, nil)
		for i := 0; i < len(x); i += typ.BlockSize() {
			_, most := absMax(x[i : i+typ.BlockSize()])
			for j := i; j < i+typ.BlockSize(); j++ {
				require.LessOrEqual(t, abs(x[j]-y[j]), most/254+most*slack, "%v element %d", typ, j)
			}
		}
	}
}
