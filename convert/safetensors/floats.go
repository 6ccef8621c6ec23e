package safetensors

import (
	"encoding/binary"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// IsFloat reports whether elements are of a type that Decode knows.
func (t *Tensor) IsFloat() bool {
	return t.Type == gguf.F64 || t.Type == gguf.F32 || t.Type == gguf.F16 || t.Type == gguf.BF16
}

// Decode fills dst with the elements that raw has. F64 is rounded to the nearest float32: what is too large for one becomes
// infinite.
func (t *Tensor) Decode(dst []float32, raw []byte) {
	if t.Type != gguf.F64 {
		c, _ := codec.For(t.Type)
		c.Decode(dst, raw)
		return
	}
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
	}
}
