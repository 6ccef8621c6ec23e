package codec

// Q4_K: super-blocks of 256 elements in 8 sub-blocks, 144 bytes:
//
//	 2+2      d and dmin, f16: x = d*scale*q - dmin*minimum
//	12 bytes  6-bit scales and minima, see packScalesK4
//	128 bytes 4-bit values: of 64 elements the first 32 in low nibbles, the others in high ones

// searchK4 finds the scales and minima of 8 sub-blocks of 32; d and dmin go to dst as stored, ls and lm are
// 6-bit. plain is the search without weights.
func searchK4(dst []byte, x, weights []float32, L *[superBlock]uint8, ls, lm *[8]uint8, plain affine) {
	var scales, mins [8]float32
	var w [32]float32
	if weights == nil {
		for j := range 8 {
			sub := x[32*j : 32*j+32]
			average := sqrt(sumSquares(sub) / 32)
			for i, v := range sub {
				w[i] = average + abs(v)
			}
			scales[j], mins[j] = searchAffine(plain, sub, L[32*j:32*j+32], w[:])
		}
		putF16(dst, scaleTo(63, scales[:], ls[:]))
		putF16(dst[2:], scaleTo(63, mins[:], lm[:]))
		return
	}
	sigma2 := 2 * sumSquares(x) / superBlock
	var sumw [8]float32
	for j := range 8 {
		sub := x[32*j : 32*j+32]
		weigh(w[:], sub, weights[32*j:32*j+32], sigma2)
		sumw[j] = sum(w[:])
		scales[j], mins[j] = searchAffine(weighedAffine(plain.nmax), sub, L[32*j:32*j+32], w[:])
	}
	putF16(dst, searchPositive(63, scales[:], ls[:], sumw[:]))
	putF16(dst[2:], searchPositive(63, mins[:], lm[:], sumw[:]))
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

// encodeK4 fills d, dmin and the scales of a Q4_K or Q5_K block and returns the values.
func encodeK4(dst []byte, x, weights []float32, plain affine, L *[superBlock]uint8) {
	var ls, lm [8]uint8
	searchK4(dst, x, weights, L, &ls, &lm, plain)
	packScalesK4(dst[4:16], &ls, &lm)
	d, dmin := getF16(dst), getF16(dst[2:])
	for j := range 8 {
		requantizeAffine(plain.nmax, float32(d*float32(ls[j])), float32(dmin*float32(lm[j])), x[32*j:32*j+32], L[32*j:32*j+32])
	}
}

func encodeQ4K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 144, func(dst []byte, x, weights []float32) {
		var L [superBlock]uint8
		encodeK4(dst, x, weights, affine{nmax: 15, rmin: -1, rdelta: 0.1, steps: 20}, &L)
		q := dst[16:144]
		for i := range q {
			at := i/32*64 + i%32
			q[i] = L[at] | L[at+32]<<4
		}
	})
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
