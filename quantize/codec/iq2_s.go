package codec

// IQ2_S: super-blocks of 256 elements, 82 bytes. As IQ2_XS with a larger grid and 8 sign bits a group:
//
//	 2        d, f16
//	32 bytes  low 8 bits of the grid numbers, one a group of 8 elements
//	32 bytes  signs, one a group
//	 8 bytes  high 2 bits of the grid numbers, 4 groups a byte
//	 8 bytes  4-bit scales, one a 16 elements

func encodeIQ2S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2S.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 82, encodeIQ2SBlock)
}

func encodeIQ2SBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var f iq2Fit
	var scales [16]float32
	var most float32
	sigma2 := 2 * sumSquares(x) / superBlock
	for b := range scales {
		sub := x[16*b : 16*b+16]
		if weights != nil {
			weigh(f.weight[:16], sub, weights[16*b:], sigma2)
		} else {
			for i, v := range sub {
				f.weight[i] = float32(0.25*sigma2) + float32(v*v)
			}
		}
		for k := range 2 {
			f.signs[k] = splitSigns(f.x[8*k:], sub[8*k:])
		}
		m := greatest(f.x[:16])
		if m < 1e-8 {
			continue
		}
		scale := f.search(gridIQ2S, 2, m/5, m, 9, false)
		scales[b] = scale
		most = max(most, scale)
		for k := range 2 {
			n := 2*b + k
			dst[2+n] = uint8(f.index[k])
			dst[34+n] = f.signs[k]
			dst[66+n/4] |= uint8(f.index[k]>>8) << (n % 4 * 2)
		}
	}
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d*0.9875) // a correction the reference found by trial
	for b, s := range scales {
		dst[74+b/2] |= uint8(oddScale(s, 1/d, 15) << (b % 2 * 4))
	}
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
