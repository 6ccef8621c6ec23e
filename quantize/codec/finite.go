package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Finite reports whether src, elements of F16, BF16 or F32, has neither NaN nor infinities.
func Finite(t gguf.Type, src []byte) bool {
	switch t {
	case gguf.F16:
		return largestHalf(src) < 0x7c00
	case gguf.BF16:
		return largestHalf(src) < 0x7f80
	case gguf.F32:
		return largestWord(src) < 0x7f800000
	}
	panic(fmt.Sprintf("codec: Finite of %s", t))
}

// largestHalfGeneric is the largest of src's 16-bit floats but for their signs: magnitudes compare as their bits do, with
// infinity and NaN above all.
func largestHalfGeneric(src []byte) (most uint32) {
	for ; len(src) >= 2; src = src[2:] {
		most = max(most, uint32(binary.LittleEndian.Uint16(src)&0x7fff))
	}
	return most
}
