package codec

import (
	"encoding/binary"
	"math"
)

// IQ3_XXS and IQ3_S: super-blocks of 256 elements. Groups of 4 magnitudes are points of a grid with the values
// 1, 3, ... 15.
//
// IQ3_XXS, 98 bytes: f16 d, 64 grid numbers of 8 bits, then for each 32 elements a uint32 with 4x7 sign bits,
// one a 8 elements, and a 4-bit scale.
//
// IQ3_S, 110 bytes: f16 d, the low 8 bits of 64 grid numbers, their ninth bits in 8 bytes, 32 bytes of signs,
// 4 bytes of 4-bit scales, one a 32 elements.

// The values of the levels when decoded. Those of IQ3_XXS are 4 times the odd numbers but for the last.
var (
	iq3xxsValues = [8]float32{4, 12, 20, 28, 36, 44, 52, 62}

	iq3xxsSigned = withNegatives(iq3xxsValues)
	iq3sSigned   = withNegatives(oddValues)
)

var fitIQ3XXS = &gridFormat{grid: gridIQ3XXS, sub: 32, sigma: 2, unweighed: squared, evenSigns: true, tooSmall: 1e-8, tries: 15, delta: 0.2}

func encodeIQ3XXS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ3XXS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 98, encodeIQ3XXSBlock)
}

func encodeIQ3XXSBlock(dst []byte, x, weights []float32) {
	var b gridBlock
	fitIQ3XXS.fit(&b, x, weights)
	packIQ3XXS(dst, &b)
}

func packIQ3XXS(dst []byte, block *gridBlock) {
	clear(dst)
	most := block.largest()
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d*1.0125) // a correction the reference found by trial
	for k, i := range block.index {
		dst[2+k] = uint8(i)
	}
	for b, s := range block.scales[:8] {
		signs := oddScale(s, 1/d, 15) << 28
		for k, s := range block.signs[4*b : 4*b+4] {
			signs |= uint32(s&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(dst[66+4*b:], signs)
	}
}

func decodeIQ3XXS(dst []float32, src []byte) {
	points := gridIQ3XXS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[98:] {
		d := getF16(src)
		for b := range 8 {
			high := binary.LittleEndian.Uint32(src[66+4*b:])
			scale := float32(d*(0.5+float32(high>>28))) * 0.5
			q, y := (*[8]uint8)(src[2+8*b:]), (*[32]float32)(dst[32*b:])
			for k := range 4 {
				levels := twiceFour(&points[q[2*k]], &points[q[2*k+1]]) | evenSignLevels(high)
				putScaled((*[8]float32)(y[8*k:]), levels, &iq3xxsSigned, scale)
				high >>= 7
			}
		}
	}
}

var fitIQ3S = &gridFormat{grid: gridIQ3S, sub: 32, sigma: 2, unweighed: squared, tooSmall: math.SmallestNonzeroFloat32, tries: 9, delta: 0.2, again: allIfOffGrid}

func encodeIQ3S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ3S.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 110, encodeIQ3SBlock)
}

func encodeIQ3SBlock(dst []byte, x, weights []float32) {
	var b gridBlock
	fitIQ3S.fit(&b, x, weights)
	packIQ3S(dst, &b)
}

func packIQ3S(dst []byte, block *gridBlock) {
	clear(dst)
	// Kept for the same bytes: the reference does not skip the place of an all-zero sub-block, so the grid numbers
	// and signs of those after it are stored one place early, where no decoder looks for them.
	place := 0
	for b, left := range block.left[:8] {
		if left {
			continue
		}
		for k, i := range block.index[8*b : 8*b+8] {
			dst[2+8*place+k] = uint8(i)
			dst[66+b] |= uint8(i>>8) << k
		}
		copy(dst[74+4*place:], block.signs[4*b:4*b+4])
		place++
	}
	most := block.largest()
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d*1.033) // a correction the reference found by trial
	packScales(dst[106:110], block, d)
}

func decodeIQ3S(dst []float32, src []byte) {
	points := gridIQ3S.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[110:] {
		d := getF16(src)
		for b := range 8 {
			scale := float32(d * float32(1+2*(src[106+b/2]>>(b%2*4)&15)))
			high := uint(src[66+b]) << 8
			q, signs, y := (*[8]uint8)(src[2+8*b:]), (*[4]uint8)(src[74+4*b:]), (*[32]float32)(dst[32*b:])
			for k := range 4 {
				p0, p1 := &points[uint(q[2*k])|high&256], &points[uint(q[2*k+1])|high>>1&256]
				putScaled((*[8]float32)(y[8*k:]), twiceFour(p0, p1)|signLevels[signs[k]], &iq3sSigned, scale)
				high >>= 2
			}
		}
	}
}
