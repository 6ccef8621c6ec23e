//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"unsafe"

	"github.com/carat-llm/carat/internal/cpu"
)

func largestHalf(src []byte) uint32 {
	n := len(src) / 256
	if n == 0 {
		return largestHalfGeneric(src)
	}
	var most uint32
	switch tier := cpu.Current(); {
	case tier >= cpu.AVX512:
		most = largestHalfAVX512(&src[0], n)
	case tier >= cpu.AVX2:
		most = largestHalfAVX2(&src[0], n)
	default:
		return largestHalfGeneric(src)
	}
	return max(most, largestHalfGeneric(src[256*n:]))
}

// largestWord takes the bytes for float32: amd64 has the byte order of the file.
func largestWord(src []byte) uint32 {
	if len(src) < 4 {
		return 0
	}
	return largestBits(unsafe.Slice((*float32)(unsafe.Pointer(&src[0])), len(src)/4))
}
