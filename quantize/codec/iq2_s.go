package codec

// IQ2_S: super-blocks of 256 elements, 82 bytes. As IQ2_XS with a larger grid and 8 sign bits a group:
//
//	 2        d, f16
//	32 bytes  low 8 bits of the grid numbers, one a group of 8 elements
//	32 bytes  signs, one a group
//	 8 bytes  high 2 bits of the grid numbers, 4 groups a byte
//	 8 bytes  4-bit scales, one a 16 elements

var fitIQ2S = &gridFormat{grid: gridIQ2S, sub: 16, sigma: 2, unweighed: raised, tooSmall: 1e-8, tries: 9, delta: 0.1}

func encodeIQ2S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2S.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 82, encodeIQ2SBlock)
}

func encodeIQ2SBlock(dst []byte, x, weights []float32) {
	var b gridBlock
	fitIQ2S.fit(&b, x, weights)
	packIQ2S(dst, &b)
}

func packIQ2S(dst []byte, block *gridBlock) {
	clear(dst)
	for k, i := range block.index[:32] {
		dst[2+k] = uint8(i)
		dst[66+k/4] |= uint8(i>>8) << (k % 4 * 2)
	}
	copy(dst[34:66], block.signs[:])
	most := block.largest()
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d*0.9875) // a correction the reference found by trial
	packScales(dst[74:82], block, d)
}

func decodeIQ2S(dst []float32, src []byte) {
	points := gridIQ2S.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[82:] {
		d := getF16(src)
		for b := range 16 {
			scale := float32(d*(0.5+float32(src[74+b/2]>>(b%2*4)&15))) * 0.25
			y, high := (*[16]float32)(dst[16*b:]), uint(src[66+b/2])>>(b%2*4)
			q, signs := src[2+2*b:][:2], src[34+2*b:][:2]
			putScaled((*[8]float32)(y[:8]), eightLevels(&points[uint(q[0])|high&3<<8])|signLevels[signs[0]], &iq2Values, scale)
			putScaled((*[8]float32)(y[8:]), eightLevels(&points[uint(q[1])|high>>2&3<<8])|signLevels[signs[1]], &iq2Values, scale)
		}
	}
}
