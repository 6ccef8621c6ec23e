package codec

import (
	"encoding/binary"
	"math"
)

// TQ1_0 and TQ2_0: super-blocks of 256 elements -d, 0 or d, for models that were trained so (BitNet b1.58,
// TriLM): d is the largest magnitude, and other models lose nearly everything. Importance weights are not used.
//
// TQ1_0, 54 bytes: 5 trits in a byte, as the fraction of 3^5 that the byte is of 256, first trit highest:
//
//	32 bytes  byte m holds elements m, m+32, ... m+128
//	16 bytes  byte m holds elements 160+m, 160+m+16, ... 160+m+64
//	4 bytes   byte m holds elements 240+m, 240+m+4, ... 240+m+12; its fifth trit is 0
//	2 bytes   d, f16
//
// TQ2_0, 66 bytes: 2-bit values as pack2 stores them, then d (f16).

// trit is roundAway(v)+1 for v from -1 to 1: 0, 1 or 2. It does not branch, since signs are random.
func trit(v float32) uint8 {
	b := math.Float32bits(v)
	one := (0x3effffff - b&^(1<<31)) >> 31 // 1 where |v| >= 0.5
	return uint8(1 + one - 2*(one&(b>>31)))
}

// tritScale is the inverse of the scale d.
func tritScale(d float32) float32 {
	if id := inverse(d); id <= math.MaxFloat32 {
		return id
	}
	return 0 // of a subnormal d; the reference's conversion of infinity gives zeros too
}

// trits fills L with the trits of x and returns the scale.
func trits(x []float32, L []uint8) float32 {
	L = L[:len(x)]
	_, d := absMax(x)
	id := tritScale(d)
	for i, v := range x {
		L[i] = trit(float32(v * id))
	}
	return d
}

func encodeTQ1(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, superBlock, 54, func(dst []byte, x, _ []float32) {
		var L [superBlock]uint8
		d := trits(x, L[:])
		packTQ1(dst, d, &L)
	})
}

// fractions are q/243 of 256, rounded up, so that decoding rounds down to q.
var fractions = func() (t [256]uint8) {
	for q := range t {
		t[q] = uint8((q*256 + 242) / 243)
	}
	return t
}()

// packTQ1 joins the trits of 8 bytes, of 4 in the last part, at a time: the numbers that they make fit bytes.
func packTQ1(dst []byte, d float32, L *[superBlock]uint8) {
	for m := 0; m < 48; m += 8 {
		part, stride := L[m:], 32
		if m >= 32 {
			part, stride = L[128+m:], 16
		}
		var q uint64
		for n := range 5 {
			q = q*3 + binary.LittleEndian.Uint64(part[n*stride:])
		}
		for i := range 8 {
			dst[m+i] = fractions[uint8(q>>(8*i))]
		}
	}
	var q uint32
	for n := range 4 {
		q = q*3 + binary.LittleEndian.Uint32(L[240+4*n:])
	}
	q *= 3
	for i := range 4 {
		dst[48+i] = fractions[uint8(q>>(8*i))]
	}
	putF16(dst[52:], d)
}

// groupsTQ1 lists the parts of a TQ1_0 block: the first byte and the first element, bytes, and trits in each.
var groupsTQ1 = [3]struct{ at, first, bytes, trits int }{{0, 0, 32, 5}, {32, 160, 16, 5}, {48, 240, 4, 4}}

// tritsOf holds the trits of each byte, 2 bits each, the first lowest.
var tritsOf = func() (t [256]uint16) {
	for i := range t {
		b := uint8(i)
		for n := range 5 {
			t[i] |= uint16(b) * 3 >> 8 << (2 * n)
			b *= 3 // the fraction that is left, modulo 256
		}
	}
	return t
}()

// tritValues returns what the levels 0 to 3 decode to.
func tritValues(d float32) [16]float32 { return [16]float32{-d, 0 * d, d, 2 * d} }

func decodeTQ1(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[54:] {
		values := tritValues(getF16(src[52:]))
		for _, g := range groupsTQ1 {
			y := dst[g.first : g.first+g.bytes*g.trits]
			for m, b := range src[g.at : g.at+g.bytes] {
				t := tritsOf[b]
				for i := m; i < len(y); i += g.bytes {
					y[i] = values[t&3]
					t >>= 2
				}
			}
		}
	}
}

func encodeTQ2(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, superBlock, 66, func(dst []byte, x, _ []float32) {
		var L [superBlock]uint8
		d := trits(x, L[:])
		packTQ2(dst, d, &L)
	})
}

func packTQ2(dst []byte, d float32, L *[superBlock]uint8) {
	pack2(dst, L)
	putF16(dst[64:], d)
}

func decodeTQ2(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[66:] {
		values := tritValues(getF16(src[64:]))
		for i := 0; i < superBlock; i += 8 { // in half i/128, shifted by the number of 32-element groups before it
			q := binary.LittleEndian.Uint64(src[i/128*32+i%32:])
			putLevels((*[8]float32)(dst[i:]), q>>(i%128/32*2)&twoBits, &values)
		}
	}
}
