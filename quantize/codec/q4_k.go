package codec

import "encoding/binary"

// Q4_K: super-blocks of 256 elements in 8 sub-blocks, 144 bytes:
//
//	 2+2      d and dmin, f16: x = d*scale*q - dmin*minimum
//	12 bytes  6-bit scales and minima, see packScalesK4
//	128 bytes 4-bit values: of 64 elements the first 32 in low nibbles, the others in high ones

var q4K = affineK{size: 32, plain: affine{nmax: 15, rmin: -1, rdelta: 0.1, steps: 20}, average: true, squares: 2, top: 63}

func encodeQ4K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 144, encodeQ4KBlock)
}

func encodeQ4KBlock(dst []byte, x, weights []float32) {
	var g affineGrid
	var L [superBlock]uint8
	q4K.fit(&g, x, weights, &L)
	q4K.round(&g, x, &L)
	packQ4K(dst, &g, &L)
}

func packQ4K(dst []byte, g *affineGrid, L *[superBlock]uint8) {
	packGridK4(dst, g)
	packNibbles(dst[16:144], L)
}

// packGridK4 stores d, dmin and the scales of a Q4_K or Q5_K block.
func packGridK4(dst []byte, g *affineGrid) {
	binary.LittleEndian.PutUint16(dst, g.d)
	binary.LittleEndian.PutUint16(dst[2:], g.dmin)
	packScalesK4(dst[4:16], (*[8]uint8)(g.ls[:]), (*[8]uint8)(g.lm[:]))
}

// packScalesK4 stores 8 scales and 8 minima of 6 bits: of the first four in byte j and j+4; of the others
// the low nibbles in byte j+4, the high 2 bits above the first four's.
func packScalesK4(dst []byte, ls, lm *[8]uint8) {
	for j := range 4 {
		dst[j] = ls[j] | ls[j+4]>>4<<6
		dst[j+4] = lm[j] | lm[j+4]>>4<<6
		dst[j+8] = ls[j+4]&15 | lm[j+4]&15<<4
	}
}

// unpackScaleK4 is the inverse for sub-block j.
func unpackScaleK4(src []byte, j int) (scale, minimum uint8) {
	if j < 4 {
		return src[j] & 63, src[j+4] & 63
	}
	return src[j+4]&15 | src[j-4]>>6<<4, src[j+4]>>4 | src[j]>>6<<4
}

func decodeQ4K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[144:] {
		d, dmin := getF16(src), getF16(src[2:])
		for j := 0; j < 8; j += 2 {
			s1, m1 := unpackScaleK4(src[4:16], j)
			s2, m2 := unpackScaleK4(src[4:16], j+1)
			d1, dm1 := float32(d*float32(s1)), float32(dmin*float32(m1))
			d2, dm2 := float32(d*float32(s2)), float32(dmin*float32(m2))
			q := src[16+j*16:][:32]
			lo, hi := dst[32*j:][:32], dst[32*j+32:][:32]
			for i, b := range q {
				lo[i] = float32(d1*float32(b&15)) - dm1
				hi[i] = float32(d2*float32(b>>4)) - dm2
			}
		}
	}
}
