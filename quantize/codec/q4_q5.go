package codec

import (
	"encoding/binary"
)

// Q4_0, Q4_1, Q5_0 and Q5_1: blocks of 32 elements with one f16 scale, and for _1 one f16 minimum. Element j
// and j+16 share a byte; the fifth bits of Q5 are gathered in a uint32.

// truncate is the C cast from float to an integer as x86-64 does it: what does not fit gives the least int32.
func truncate(v float32) int32 {
	if v >= -0x1p31 && v < 0x1p31 {
		return int32(v)
	}
	return -1 << 31
}

func inverse(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// limits returns the least and greatest element.
func limits(x []float32) (lo, hi float32) {
	lo, hi = x[0], x[0]
	for _, v := range x[1:] {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// eachWeighedRow calls encode for every block of 32 with its column weights and the mean x² of its row.
func eachWeighedRow(dst []byte, src []float32, cols int, weights []float32, bytes int, encode func(dst []byte, x, weights []float32, sigma2 float32)) {
	for ; len(src) > 0; src = src[cols:] {
		row := src[:cols]
		sigma2 := sumSquares(row) / float32(cols)
		for i := 0; i < cols; i += 32 {
			encode(dst[:bytes:bytes], row[i:i+32:i+32], weights[i:i+32:i+32], sigma2)
			dst = dst[bytes:]
		}
	}
}

// pack4 stores the low nibbles of L, 8 at a time.
func pack4(dst []byte, L *[32]uint8) {
	for j := 0; j < 16; j += 8 {
		low, high := binary.LittleEndian.Uint64(L[j:]), binary.LittleEndian.Uint64(L[j+16:])
		binary.LittleEndian.PutUint64(dst[j:], low&fourBits|high&fourBits<<4)
	}
}

// pack5 stores the fifth bits of L in 4 bytes and then the low nibbles.
func pack5(dst []byte, L *[32]uint8) {
	for j := 0; j < 32; j += 8 {
		// The product moves bit 0 of byte i to bit 56+i.
		bits := binary.LittleEndian.Uint64(L[j:]) >> 4 & oneBit
		dst[j/8] = uint8(bits * 0x0102040810204080 >> 56)
	}
	pack4(dst[4:], L)
}

// unpack5 restores element j and j+16.
func unpack5(src []byte, high uint32, j int) (lo, hi int32) {
	return int32(src[j]&15) | int32(high>>j&1)<<4, int32(src[j]>>4) | int32(high>>(j+16)&1)<<4
}

// symmetric quantizes without weights: the element of largest magnitude becomes -half.
func symmetric(x []float32, L *[32]uint8, half float32) (d float32) {
	signed, magnitude := absMax(x)
	d = signed / -half
	id := inverse(d)
	limit, offset := int32(half)*2-1, half+0.5
	if !moderate(magnitude * id) {
		for j, v := range x {
			L[j] = uint8(min(limit, int32(int8(truncate(float32(v*id)+offset)))))
		}
		return d
	}
	for j, v := range x[:32] {
		L[j] = uint8(min(limit, int32(float32(v*id)+offset)))
	}
	return d
}

// affineLevels quantizes without weights: lo becomes 0 and hi the last level.
func affineLevels(x []float32, L *[32]uint8, last int32) (d, lo float32) {
	lo, hi := extremes(x)
	if lo == 0 || hi == 0 {
		lo, hi = limits(x) // the sign of a zero is stored
	}
	d = (hi - lo) / float32(last)
	id := inverse(d)
	if !moderate((hi - lo) * id) {
		for j, v := range x {
			L[j] = uint8(min(last, int32(uint8(truncate(float32((v-lo)*id)+0.5)))))
		}
		return d, lo
	}
	for j, v := range x[:32] {
		L[j] = uint8(min(last, int32(float32((v-lo)*id)+0.5)))
	}
	return d, lo
}

// weighedSymmetric and weighedAffineLevels find scale and levels with weights; sigma2 is the mean square of the row.
func weighedSymmetric(nmax int32, x, weights []float32, sigma2 float32, L *[32]uint8) (d float32) {
	var w [32]float32
	weigh(w[:], x, weights, sigma2)
	return searchSymmetric(nmax, x, L[:], w[:])
}

func weighedAffineLevels(nmax int32, x, weights []float32, sigma2 float32, L *[32]uint8) (d, lo float32) {
	var w [32]float32
	weigh(w[:], x, weights, sigma2)
	d, minimum := searchAffine(weighedAffine(nmax), x, L[:], w[:])
	return d, -minimum
}

// weighedAffine is the search with weights.
func weighedAffine(nmax int32) affine {
	return affine{nmax: nmax, rmin: -0.9, rdelta: 0.05, steps: 36}
}

func encodeQ4_0(dst []byte, src []float32, cols int, weights []float32) {
	if weights != nil {
		eachWeighedRow(dst, src, cols, weights, 18, weighedQ4_0)
		return
	}
	eachBlock(dst, src, cols, nil, 32, 18, func(dst []byte, x, _ []float32) {
		var L [32]uint8
		d := symmetric(x, &L, 8)
		packQ4_0(dst, d, &L)
	})
}

func weighedQ4_0(dst []byte, x, weights []float32, sigma2 float32) {
	var L [32]uint8
	d := weighedSymmetric(8, x, weights, sigma2, &L)
	packQ4_0(dst, d, &L)
}

func packQ4_0(dst []byte, d float32, L *[32]uint8) {
	putF16(dst, d)
	pack4(dst[2:], L)
}

func decodeQ4_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[18:] {
		d := getF16(src)
		q := src[2:18]
		y := dst[:32]
		for j, b := range q {
			y[j] = float32(int32(b&15)-8) * d
			y[j+16] = float32(int32(b>>4)-8) * d
		}
	}
}

func encodeQ4_1(dst []byte, src []float32, cols int, weights []float32) {
	if weights != nil {
		eachWeighedRow(dst, src, cols, weights, 20, weighedQ4_1)
		return
	}
	eachBlock(dst, src, cols, nil, 32, 20, func(dst []byte, x, _ []float32) {
		var L [32]uint8
		d, lo := affineLevels(x, &L, 15)
		packQ4_1(dst, d, lo, &L)
	})
}

func weighedQ4_1(dst []byte, x, weights []float32, sigma2 float32) {
	var L [32]uint8
	d, lo := weighedAffineLevels(15, x, weights, sigma2, &L)
	packQ4_1(dst, d, lo, &L)
}

func packQ4_1(dst []byte, d, lo float32, L *[32]uint8) {
	putF16(dst, d)
	putF16(dst[2:], lo)
	pack4(dst[4:], L)
}

func decodeQ4_1(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[20:] {
		d, m := getF16(src), getF16(src[2:])
		q := src[4:20]
		y := dst[:32]
		for j, b := range q {
			y[j] = float32(float32(b&15)*d) + m
			y[j+16] = float32(float32(b>>4)*d) + m
		}
	}
}

func encodeQ5_0(dst []byte, src []float32, cols int, weights []float32) {
	if weights != nil {
		eachWeighedRow(dst, src, cols, weights, 22, weighedQ5_0)
		return
	}
	eachBlock(dst, src, cols, nil, 32, 22, func(dst []byte, x, _ []float32) {
		var L [32]uint8
		d := symmetric(x, &L, 16)
		packQ5_0(dst, d, &L)
	})
}

func weighedQ5_0(dst []byte, x, weights []float32, sigma2 float32) {
	var L [32]uint8
	d := weighedSymmetric(16, x, weights, sigma2, &L)
	packQ5_0(dst, d, &L)
}

func packQ5_0(dst []byte, d float32, L *[32]uint8) {
	putF16(dst, d)
	pack5(dst[2:], L)
}

func decodeQ5_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[22:] {
		d := getF16(src)
		high := binary.LittleEndian.Uint32(src[2:])
		q := src[6:22]
		y := dst[:32]
		for j := range 16 {
			lo, hi := unpack5(q, high, j)
			y[j] = float32(lo-16) * d
			y[j+16] = float32(hi-16) * d
		}
	}
}

func encodeQ5_1(dst []byte, src []float32, cols int, weights []float32) {
	if weights != nil {
		eachWeighedRow(dst, src, cols, weights, 24, weighedQ5_1)
		return
	}
	eachBlock(dst, src, cols, nil, 32, 24, func(dst []byte, x, _ []float32) {
		var L [32]uint8
		d, lo := affineLevels(x, &L, 31)
		packQ5_1(dst, d, lo, &L)
	})
}

func weighedQ5_1(dst []byte, x, weights []float32, sigma2 float32) {
	var L [32]uint8
	d, lo := weighedAffineLevels(31, x, weights, sigma2, &L)
	packQ5_1(dst, d, lo, &L)
}

func packQ5_1(dst []byte, d, lo float32, L *[32]uint8) {
	putF16(dst, d)
	putF16(dst[2:], lo)
	pack5(dst[4:], L)
}

func decodeQ5_1(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[24:] {
		d, m := getF16(src), getF16(src[2:])
		high := binary.LittleEndian.Uint32(src[4:])
		q := src[8:24]
		y := dst[:32]
		for j := range 16 {
			lo, hi := unpack5(q, high, j)
			y[j] = float32(float32(lo)*d) + m
			y[j+16] = float32(float32(hi)*d) + m
		}
	}
}
