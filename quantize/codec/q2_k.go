package codec

import "encoding/binary"

// Q2_K: super-blocks of 256 elements in 16 sub-blocks, 84 bytes:
//
//	16 bytes  scale (low nibble) and minimum (high nibble) of each sub-block
//	64 bytes  2-bit values, see pack2
//	 2+2      d and dmin, f16: x = d*scale*q - dmin*minimum

const superBlock = 256

var q2K = affineK{size: 16, plain: affine{nmax: 3, rmin: -0.5, rdelta: 0.1, steps: 15, absolute: true}, squares: 1, top: 15}

func encodeQ2K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 84, encodeQ2KBlock)
}

func encodeQ2KBlock(dst []byte, x, weights []float32) {
	var g affineGrid
	var L [superBlock]uint8
	q2K.fit(&g, x, weights, &L)
	q2K.round(&g, x, &L)
	packQ2K(dst, &g, &L)
}

func packQ2K(dst []byte, g *affineGrid, L *[superBlock]uint8) {
	for j := range 16 {
		dst[j] = g.ls[j] | g.lm[j]<<4
	}
	pack2(dst[16:80], L)
	binary.LittleEndian.PutUint16(dst[80:], g.d)
	binary.LittleEndian.PutUint16(dst[82:], g.dmin)
}

func decodeQ2K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[84:] {
		d, dmin := getF16(src[80:]), getF16(src[82:])
		for j := range 16 {
			// Sub-block j lies in half j/8, shifted by the number of 32-element groups before it.
			q := src[16+j/8*32+j%2*16:][:16]
			shift := j % 8 / 2 * 2
			dl, ml := float32(d*float32(src[j]&15)), float32(dmin*float32(src[j]>>4))
			values := [16]float32{float32(dl*0) - ml, dl - ml, float32(dl*2) - ml, float32(dl*3) - ml}
			y := (*[16]float32)(dst[16*j:])
			putLevels((*[8]float32)(y[:8]), binary.LittleEndian.Uint64(q)>>shift&twoBits, &values)
			putLevels((*[8]float32)(y[8:]), binary.LittleEndian.Uint64(q[8:])>>shift&twoBits, &values)
		}
	}
}
