package codec

import (
	"encoding/binary"
	"math"
)

// f16Values holds the float32 of every half.
var f16Values = func() *[1 << 16]float32 {
	var t [1 << 16]float32
	for i := range t {
		h := uint32(i)
		sign, exp, man := h>>15<<31, h>>10&31, h&1023
		switch {
		case exp == 31:
			t[i] = math.Float32frombits(sign | 0xff<<23 | man<<13)
		case exp == 0:
			t[i] = math.Float32frombits(math.Float32bits(float32(man)*0x1p-24) | sign)
		default:
			t[i] = math.Float32frombits(sign | (exp+112)<<23 | man<<13)
		}
	}
	return &t
}()

// F16ToF32 widens an IEEE half.
func F16ToF32(h uint16) float32 { return f16Values[h] }

// F32ToF16 rounds to the nearest IEEE half, ties to even. What is too large becomes infinite; NaN becomes
// 0x7e00 with the sign, as ggml writes it.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520 and more round up to 65536
		return sign | 0x7c00
	case b < 0x38800000:
		// Below the normal halves: in 0.5 + x the last place is worth 2^-24, a half's smallest step.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b += 0xfff + b>>13&1
	return sign | uint16((b-0x38000000)>>13)
}

// BF16ToF32 widens a bfloat16.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even; NaN is made quiet.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 64
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func decodeF32(dst []float32, src []byte) {
	src = src[:len(dst)*4]
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[i*4:]))
	}
}

func encodeF32(dst []byte, src []float32, _ int, _ []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[i*4:], math.Float32bits(v))
	}
}

func decodeF16(dst []float32, src []byte) {
	src = src[:len(dst)*2]
	for i := range dst {
		dst[i] = f16Values[binary.LittleEndian.Uint16(src[i*2:])]
	}
}

func encodeF16(dst []byte, src []float32, _ int, _ []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[i*2:], F32ToF16(v))
	}
}

func decodeBF16(dst []float32, src []byte) {
	src = src[:len(dst)*2]
	for i := range dst {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[i*2:]))
	}
}

func encodeBF16(dst []byte, src []float32, _ int, _ []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[i*2:], F32ToBF16(v))
	}
}

// getF16 and putF16 read and write the scales of blocks.
func getF16(b []byte) float32    { return f16Values[binary.LittleEndian.Uint16(b)] }
func putF16(b []byte, f float32) { binary.LittleEndian.PutUint16(b, F32ToF16(f)) }
