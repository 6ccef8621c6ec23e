package kernel

import (
	"encoding/binary"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Weights that are floats are multiplied as float32, in exact computation and in fast. A product of two vectors is summed
// in lanes, with fused multiply-add.

// floatRows is the number of rows of a tile.
const floatRows = 4

// floatTile adds the products of 4 rows with a few columns to lanes.
type floatTile struct {
	lanes   []float32 // for each column 4 rows of 16
	w       []byte    // rows of F32, F16 or BF16
	t       gguf.Type
	wStride int // bytes
	x       []float32
	xStride int // elements
	steps   int // of 16 columns of the matrix
	width   int // columns of activations

	args floatArgs
}

// floatArgs is a floatTile as assembly takes it. Strides are in bytes.
type floatArgs struct {
	lanes   *float32
	w       *byte
	wStride int
	x       *float32
	xStride int
	steps   int
}

// dense are the operations of products with weights that are floats: part of a tier.
type dense struct {
	// floats adds the products of a tile.
	floats func(t *floatTile)
	// joinLanes sets dst to the sums of len(dst) times 16 lanes; len(dst) is a multiple of 4.
	joinLanes func(dst, lanes []float32)
	// floatWidth is the number of columns that a tile has at most.
	floatWidth int
}

var denseGeneric = dense{floats: floatsGeneric, joinLanes: joinLanesGeneric, floatWidth: 6}

// floatsGeneric is the specification of tier.floats.
func floatsGeneric(t *floatTile) {
	for c := range t.width {
		for r := range floatRows {
			sums := (*lanes)(t.lanes[(c*floatRows+r)*len(lanes{}):])
			w, x := t.w[r*t.wStride:], t.x[c*t.xStride:]
			for s := 0; s < t.steps*len(sums); s += len(sums) {
				for i := range sums {
					sums[i] = fma32(element(w, t.t, s+i), x[s+i], sums[i])
				}
			}
		}
	}
}

// element is element i of a row of floats.
func element(row []byte, t gguf.Type, i int) float32 {
	switch t {
	case gguf.F16:
		return codec.F16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
	case gguf.BF16:
		return codec.BF16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:]))
}

// joinLanesGeneric is the specification of tier.joinLanes.
func joinLanesGeneric(dst, l []float32) {
	for i := range dst {
		sums := *(*lanes)(l[i*len(lanes{}):])
		dst[i] = sums.join()
	}
}
