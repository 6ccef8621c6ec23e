package lora

import (
	"encoding/binary"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// isFloat reports whether elements can be decoded.
func isFloat(t gguf.Type) bool {
	return t == gguf.F64 || t == gguf.F32 || t == gguf.F16 || t == gguf.BF16
}

// decode fills dst with elements of that type.
func decode(dst []float32, t gguf.Type, raw []byte) {
	if t != gguf.F64 {
		c, _ := codec.For(t)
		c.Decode(dst, raw)
		return
	}
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
	}
}
