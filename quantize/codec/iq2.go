package codec

import "encoding/binary"

// IQ2_XXS and IQ2_XS: super-blocks of 256 elements. Groups of 8 magnitudes are points of a grid with the values
// 1, 3, 5 (8, 25, 43 when decoded, which fits better), the signs of a group take 7 bits.
//
// IQ2_XXS, 66 bytes: f16 d, then for each 32 elements 4 grid numbers of 8 bits and a uint32 with 4x7 sign
// bits and a 4-bit scale.
//
// IQ2_XS, 74 bytes: f16 d, 32 uint16 with 9 bits of grid number and 7 of signs, 16 4-bit scales, one a 16 elements.

// iq2Values are what the levels decode to, and their negatives.
var iq2Values = withNegatives([8]float32{8, 25, 43})

// part is w[from:to], nil when w is.
func part(w []float32, from, to int) []float32 {
	if w == nil {
		return nil
	}
	return w[from:to]
}

var fitIQ2XXS = &gridFormat{grid: gridIQ2XXS, sub: 32, sigma: 1, unweighed: evenly, positive: true, evenSigns: true, tooSmall: tooSmall, tries: 6, delta: 0.1, again: all}

func encodeIQ2XXS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2XXS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 66, encodeIQ2XXSBlock)
}

func encodeIQ2XXSBlock(dst []byte, x, weights []float32) {
	var b gridBlock
	fitIQ2XXS.fit(&b, x, weights)
	packIQ2XXS(dst, &b)
}

func packIQ2XXS(dst []byte, block *gridBlock) {
	clear(dst)
	most := block.largest()
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d)
	for b, s := range block.scales[:8] {
		packed := dst[2+8*b:]
		signs := oddScale(s, 1/d, 15) << 28
		for k := range 4 {
			packed[k] = uint8(block.index[4*b+k])
			signs |= uint32(block.signs[4*b+k]&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(packed[4:], signs)
	}
}

func decodeIQ2XXS(dst []float32, src []byte) {
	points := gridIQ2XXS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[66:] {
		d := getF16(src)
		for b := range 8 {
			q := src[2+8*b:][:8]
			high := binary.LittleEndian.Uint32(q[4:])
			scale := float32(d*(0.5+float32(high>>28))) * 0.25
			y := (*[32]float32)(dst[32*b:])
			for k := range 4 {
				putScaled((*[8]float32)(y[8*k:]), eightLevels(&points[q[k]])|evenSignLevels(high), &iq2Values, scale)
				high >>= 7
			}
		}
	}
}

var fitIQ2XS = &gridFormat{grid: gridIQ2XS, sub: 16, sigma: 1, unweighed: evenly, evenSigns: true, tooSmall: tooSmall, tries: 9, delta: 0.1}

func encodeIQ2XS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2XS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 74, encodeIQ2XSBlock)
}

func encodeIQ2XSBlock(dst []byte, x, weights []float32) {
	var b gridBlock
	fitIQ2XS.fit(&b, x, weights)
	packIQ2XS(dst, &b)
}

func packIQ2XS(dst []byte, block *gridBlock) {
	clear(dst)
	most := block.largest()
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d)
	for k := range 32 {
		binary.LittleEndian.PutUint16(dst[2+2*k:], block.index[k]|uint16(block.signs[k]&127)<<9)
	}
	packScales(dst[66:74], block, d)
}

func decodeIQ2XS(dst []float32, src []byte) {
	points := gridIQ2XS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[74:] {
		d := getF16(src)
		for b := range 16 {
			scale := float32(d*(0.5+float32(src[66+b/2]>>(b%2*4)&15))) * 0.25
			q, y := binary.LittleEndian.Uint32(src[2+4*b:]), (*[16]float32)(dst[16*b:])
			putScaled((*[8]float32)(y[:8]), eightLevels(&points[q&511])|evenSignLevels(q>>9), &iq2Values, scale)
			putScaled((*[8]float32)(y[8:]), eightLevels(&points[q>>16&511])|evenSignLevels(q>>25), &iq2Values, scale)
		}
	}
}
