package codec

import (
	"encoding/binary"
	"math"
)

// Q8_1 and Q8_K: 8 bits with sums, for activations that meet quantized weights in a dot product: a format with
// minima needs the sum of what it is multiplied with. They are not meant for files. Weights are not used.
//
// Q8_1: blocks of 32 elements, 36 bytes: d (f16), d*sum of the values (f16), 32 int8.
//
// Q8_K: super-blocks of 256 elements, 292 bytes: d (f32), 256 int8, the sums of each 16 values (int16). The
// element of largest magnitude becomes -127.

func encodeQ8_1(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 32, 36, func(dst []byte, x, _ []float32) {
		_, magnitude := absMax(x)
		d := magnitude / 127
		id := inverse(d)
		putF16(dst, d)
		q := dst[4:36]
		var total int32
		for j, v := range x {
			l := int8(roundAway(float32(v * id)))
			q[j] = uint8(l)
			total += int32(l)
		}
		putF16(dst[2:], float32(float32(total)*d))
	})
}

func decodeQ8_1(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[36:] {
		d := getF16(src)
		y := dst[:32]
		for j, b := range src[4:36] {
			y[j] = float32(int8(b)) * d
		}
	}
}

func encodeQ8K(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, superBlock, 292, func(dst []byte, x, _ []float32) {
		signed, _ := absMax(x)
		iscale := -127 / signed
		if signed == 0 || abs(iscale) > math.MaxFloat32 {
			clear(dst)
			return
		}
		q, sums := dst[4:260], dst[260:292]
		for j := range 16 {
			var total int32
			for i, v := range x[16*j : 16*j+16] {
				l := min(127, nearest(float32(iscale*v)))
				q[16*j+i] = uint8(int8(l))
				total += l
			}
			binary.LittleEndian.PutUint16(sums[2*j:], uint16(int16(total)))
		}
		binary.LittleEndian.PutUint32(dst, math.Float32bits(1/iscale))
	})
}

func decodeQ8K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[292:] {
		d := math.Float32frombits(binary.LittleEndian.Uint32(src))
		y := dst[:superBlock]
		for j, b := range src[4:260] {
			y[j] = d * float32(int8(b))
		}
	}
}
