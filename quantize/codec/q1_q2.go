package codec

import (
	"encoding/binary"
	"math"
)

// Q1_0 and Q2_0: few bits and one f16 scale, for models that were trained so. Importance weights are not used.
//
// Q1_0: blocks of 128 elements, 18 bytes: d, the mean magnitude, and a bit an element in order, set for d and
// clear for -d.
//
// Q2_0: blocks of 64 elements, 18 bytes: d, the largest magnitude, and 2 bits an element in order: x = d*(q-1).
// 3 can be decoded, but encoding gives 0 to 2 only.

func encodeQ1(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 128, 18, encodeQ1Block)
}

func encodeQ1Block(dst []byte, x, _ []float32) {
	var total float32
	for _, v := range x {
		total += abs(v)
	}
	putF16(dst, total/128)
	for j := range 2 {
		var bits uint64
		for i, v := range x[64*j : 64*j+64] {
			// Adding 0 turns -0 into 0, so that the sign bit says v < 0.
			bits |= uint64(math.Float32bits(v+0)>>31^1) << i
		}
		binary.LittleEndian.PutUint64(dst[2+8*j:], bits)
	}
}

func decodeQ1(dst []float32, src []byte) {
	for ; len(dst) >= 128; dst, src = dst[128:], src[18:] {
		d := getF16(src)
		values := [16]float32{0: -d, 8: d}
		for j, b := range src[2:18] {
			putLevels((*[8]float32)(dst[8*j:]), signLevels[b], &values)
		}
	}
}

func encodeQ2(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 64, 18, func(dst []byte, x, _ []float32) {
		var L [superBlock]uint8
		d := trits(x, L[:64])
		packQ2(dst, d, &L)
	})
}

// packQ2 stores the first 64 trits.
func packQ2(dst []byte, d float32, L *[superBlock]uint8) {
	if inverse(d) > math.MaxFloat32 {
		clear(L[:64]) // of a subnormal d: what the reference's conversion of infinity gives
	}
	putF16(dst, d)
	for j := range 16 {
		q := binary.LittleEndian.Uint32(L[4*j:])
		q |= q >> 6
		dst[2+j] = uint8(q | q>>12)
	}
}

func decodeQ2(dst []float32, src []byte) {
	for ; len(dst) >= 64; dst, src = dst[64:], src[18:] {
		d := getF16(src)
		values := tritValues(d)
		for j, b := range src[2:18] {
			y := (*[4]float32)(dst[4*j:])
			y[0], y[1], y[2], y[3] = values[b&3], values[b>>2&3], values[b>>4&3], values[b>>6]
		}
	}
}
