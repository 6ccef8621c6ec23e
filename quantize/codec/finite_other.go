//go:build !(amd64 && gc && !noasm && !purego)

package codec

import "encoding/binary"

func largestHalf(src []byte) uint32 { return largestHalfGeneric(src) }

// largestWord is largestHalfGeneric of float32.
func largestWord(src []byte) (most uint32) {
	for ; len(src) >= 4; src = src[4:] {
		most = max(most, binary.LittleEndian.Uint32(src)&0x7fffffff)
	}
	return most
}
