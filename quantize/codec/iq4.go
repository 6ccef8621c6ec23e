package codec

import "encoding/binary"

// IQ4_NL and IQ4_XS: 4-bit indices into a fixed table of 16 values that lie closer together near zero.
//
// IQ4_NL: blocks of 32 elements, 18 bytes: d (f16) and 16 bytes of indices as in Q4_0; x = d*value.
//
// IQ4_XS: super-blocks of 256 elements in 8 sub-blocks of 32, 136 bytes:
//
//	2 bytes   d, f16: x = d*(scale-32)*value
//	2 bytes   high 2 bits of the scales, sub-block j at bit 2*j
//	4 bytes   low nibbles of the scales, two in a byte
//	128 bytes indices, 16 bytes a sub-block as in IQ4_NL

var iq4Values = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// The middle between two neighbouring values is a multiple of 1/2. So the nearest index of v, the upper one of
// two as near, depends on floor(2v) alone: iq4Index[512+floor(2v)] holds it, iq4Nearest the value.
var iq4Index, iq4Nearest = func() (index [1024]uint8, value [1024]float32) {
	l := 0
	for i := range index {
		for l < 15 && float32(i-512) >= iq4Values[l]+iq4Values[l+1] {
			l++
		}
		index[i], value[i] = uint8(l), iq4Values[l]
	}
	return index, value
}()

// iq4Slot is 512+floor(v) for v from -512 to 511. In float64 nothing near a border is rounded across it.
func iq4Slot(v float32) uint32 { return uint32(int32(float64(v)+512)) & 1023 }

// correlateIQ4 quantizes x with the inverse scale id and returns the weighed sums of q*x and q².
func correlateIQ4(id float32, x, w *[32]float32) (sumqx, sumq2 float32) {
	id *= 2 // exact: doubling does not round
	for i, v := range x {
		q := iq4Nearest[iq4Slot(float32(id*v))]
		wq := float32(w[i] * q)
		sumqx += float32(wq * v)
		sumq2 += float32(wq * q)
	}
	return sumqx, sumq2
}

// searchIQ4 finds the scale of x, weights w: the largest element is laid on the lowest table value or up to 7
// steps beside it, and the best correlation wins.
func searchIQ4(x, w *[32]float32) float32 {
	signed, magnitude := absMax(x[:])
	if magnitude < tooSmall {
		return 0
	}
	sumqx, sumq2 := correlateIQ4(1/(-signed/iq4Values[0]), x, w)
	var scale float32
	if sumq2 > 0 {
		scale = sumqx / sumq2
	}
	best := float32(scale * sumqx)
	for k := -7; k <= 7; k++ {
		sumqx, sumq2 = correlateIQ4((float32(k)+iq4Values[0])/signed, x, w)
		if sumq2 > 0 && float32(sumqx*sumqx) > float32(best*sumq2) {
			scale = sumqx / sumq2
			best = float32(scale * sumqx)
		}
	}
	return scale
}

// packIQ4 stores the indices of x with the inverse scale id.
func packIQ4(dst []byte, id float32, x *[32]float32) {
	id *= 2
	index := func(v float32) uint8 {
		v = float32(id * v)
		if !(v < 511) {
			v = 511
		} else if v < -512 {
			v = -512
		}
		return iq4Index[iq4Slot(v)]
	}
	dst = dst[:16]
	for j := range dst {
		dst[j] = index(x[j]) | index(x[j+16])<<4
	}
}

func encodeIQ4NL(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, 32, 18, encodeIQ4NLBlock)
}

func encodeIQ4NLBlock(dst []byte, x, weights []float32) {
	var w [32]float32
	squared.weigh(w[:], x, weights, 2*sumSquares(x)/32)
	block := (*[32]float32)(x)
	d := searchIQ4(block, &w)
	putF16(dst, d)
	packIQ4(dst[2:], inverse(d), block)
}

func encodeIQ4XS(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 136, encodeIQ4XSBlock)
}

func encodeIQ4XSBlock(dst []byte, x, weights []float32) {
	var scales, inverses [8]float32
	var w [32]float32
	sigma2 := 2 * sumSquares(x) / superBlock
	for j := range scales {
		from, to := 32*j, 32*j+32
		squared.weigh(w[:], x[from:to], part(weights, from, to), sigma2)
		scales[j] = searchIQ4((*[32]float32)(x[from:to]), &w)
	}
	storeIQ4XS(dst, &scales, &inverses)
	for j, id := range inverses {
		packIQ4(dst[8+16*j:], id, (*[32]float32)(x[32*j:]))
	}
}

// storeIQ4XS rounds the scales of a super-block, stores them, and sets the inverse scales to round elements with.
func storeIQ4XS(dst []byte, scales, inverses *[8]float32) {
	signed, _ := absMax(scales[:])
	d := -signed / 32
	putF16(dst, d)
	clear(dst[4:8])
	id := inverse(d)
	var high uint16
	for j, s := range scales {
		l := clamp(nearest(float32(id*s)), -32, 31)
		// Unlike in K-quants the indices follow the scale as it was before its rounding to f16.
		inverses[j] = inverse(float32(d * float32(l)))
		l += 32
		dst[4+j/2] |= uint8(l) & 15 << (j % 2 * 4)
		high |= uint16(l) >> 4 << (2 * j)
	}
	binary.LittleEndian.PutUint16(dst[2:], high)
}

// unpackIQ4 restores 32 elements.
func unpackIQ4(y []float32, q []byte, d float32) {
	y, q = y[:32], q[:16]
	for j, b := range q {
		y[j] = d * iq4Values[b&15]
		y[j+16] = d * iq4Values[b>>4]
	}
}

func decodeIQ4NL(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[18:] {
		unpackIQ4(dst, src[2:18], getF16(src))
	}
}

func decodeIQ4XS(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[136:] {
		d, high := getF16(src), binary.LittleEndian.Uint16(src[2:])
		for j := range 8 {
			scale := int32(src[4+j/2]>>(j%2*4)&15) | int32(high>>(2*j)&3)<<4
			unpackIQ4(dst[32*j:], src[8+16*j:], float32(d*float32(scale-32)))
		}
	}
}
