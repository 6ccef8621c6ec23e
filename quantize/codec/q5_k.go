package codec

// Q5_K: as Q4_K with a fifth bit, 176 bytes: d, dmin, 12 bytes of scales, then
//
//	32 bytes  fifth bits: bit g of byte l is element 32*g+l
//	128 bytes low nibbles as in Q4_K

var q5K = affineK{size: 32, plain: affine{nmax: 31, rmin: -0.5, rdelta: 0.1, steps: 15}, average: true, squares: 2, top: 63}

func encodeQ5K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 176, encodeQ5KBlock)
}

func encodeQ5KBlock(dst []byte, x, weights []float32) {
	var g affineGrid
	var L [superBlock]uint8
	q5K.fit(&g, x, weights, &L)
	q5K.round(&g, x, &L)
	packQ5K(dst, &g, &L)
}

func packQ5K(dst []byte, g *affineGrid, L *[superBlock]uint8) {
	packGridK4(dst, g)
	packBits(dst[16:48], L, 4)
	packNibbles(dst[48:176], L)
}

func decodeQ5K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[176:] {
		d, dmin := getF16(src), getF16(src[2:])
		high := src[16:48]
		for j := 0; j < 8; j += 2 {
			s1, m1 := unpackScaleK4(src[4:16], j)
			s2, m2 := unpackScaleK4(src[4:16], j+1)
			d1, dm1 := float32(d*float32(s1)), float32(dmin*float32(m1))
			d2, dm2 := float32(d*float32(s2)), float32(dmin*float32(m2))
			q := src[48+j*16:][:32]
			lo, hi := dst[32*j:][:32], dst[32*j+32:][:32]
			for i, b := range q {
				lo[i] = float32(d1*float32(b&15|high[i]>>j&1<<4)) - dm1
				hi[i] = float32(d2*float32(b>>4|high[i]>>(j+1)&1<<4)) - dm2
			}
		}
	}
}
