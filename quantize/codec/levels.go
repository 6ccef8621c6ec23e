package codec

import (
	"encoding/binary"
	"math/bits"
)

// Decoders of few values look 8 elements up at a time: the numbers of their values, levels, lie in the bytes of a
// word, the first one lowest. That takes half the time of turning the bits of each element into a number.

// fourBits masks a level of 4 bits in each byte, twoBits one of 2 bits, oneBit one of 1 bit.
const (
	fourBits = 0x0f0f0f0f0f0f0f0f
	twoBits  = 0x0303030303030303
	oneBit   = 0x0101010101010101
)

// putLevels stores the values of 8 levels.
func putLevels(y *[8]float32, levels uint64, values *[16]float32) {
	y[0] = values[levels&15]
	y[1] = values[levels>>8&15]
	y[2] = values[levels>>16&15]
	y[3] = values[levels>>24&15]
	y[4] = values[levels>>32&15]
	y[5] = values[levels>>40&15]
	y[6] = values[levels>>48&15]
	y[7] = values[levels>>56&15]
}

// putScaled stores scale times the values of 8 levels.
func putScaled(y *[8]float32, levels uint64, values *[16]float32, scale float32) {
	y[0] = scale * values[levels&15]
	y[1] = scale * values[levels>>8&15]
	y[2] = scale * values[levels>>16&15]
	y[3] = scale * values[levels>>24&15]
	y[4] = scale * values[levels>>32&15]
	y[5] = scale * values[levels>>40&15]
	y[6] = scale * values[levels>>48&15]
	y[7] = scale * values[levels>>56&15]
}

// eightLevels returns the levels of a point of 8 coordinates.
func eightLevels(p *point) uint64 { return binary.LittleEndian.Uint64(p[:]) }

// twiceFour returns the levels of two points of 4 coordinates.
func twiceFour(p, q *point) uint64 {
	return uint64(binary.LittleEndian.Uint32(p[:])) | uint64(binary.LittleEndian.Uint32(q[:]))<<32
}

// signLevels holds 8 in the bytes of the bits that are set: levels from 8 on have the negative values of those from 0.
var signLevels = func() (t [256]uint64) {
	for signs := range t {
		for i := range 8 {
			t[signs] |= uint64(signs>>i&1) << (8*i + 3)
		}
	}
	return t
}()

// evenSignLevels does so for the seven lowest bits and an eighth, which makes the number of signs even.
func evenSignLevels(seven uint32) uint64 {
	s := seven & 127
	return signLevels[uint8(s|uint32(bits.OnesCount32(s)&1)<<7)]
}

// withNegatives appends the negative values.
func withNegatives(values [8]float32) (v [16]float32) {
	for i, x := range values {
		v[i], v[8+i] = x, -x
	}
	return v
}
