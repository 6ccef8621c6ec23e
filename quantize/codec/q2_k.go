package codec

import "encoding/binary"

// Q2_K: super-blocks of 256 elements in 16 sub-blocks, 84 bytes:
//
//	16 bytes  scale (low nibble) and minimum (high nibble) of each sub-block
//	64 bytes  2-bit values, see pack2
//	 2+2      d and dmin, f16: x = d*scale*q - dmin*minimum

const superBlock = 256

// pack2 stores 2-bit values: byte l of each half's 32 holds elements l, l+32, l+64 and l+96.
func pack2[T int8 | uint8](dst []byte, L *[superBlock]T) {
	for h := 0; h < superBlock; h += 128 {
		for l := range 32 {
			dst[h/4+l] = uint8(L[h+l]) | uint8(L[h+l+32])<<2 | uint8(L[h+l+64])<<4 | uint8(L[h+l+96])<<6
		}
	}
}

func encodeQ2K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 84, encodeQ2KBlock)
}

func encodeQ2KBlock(dst []byte, x, weights []float32) {
	var L [superBlock]uint8
	var scales, mins [16]float32
	var ls, lm [16]uint8
	packed := dst[:16]
	if weights == nil {
		var w [16]float32
		for j := range 16 {
			sub := x[16*j : 16*j+16]
			for i, v := range sub {
				w[i] = abs(v)
			}
			scales[j], mins[j] = searchAffine(affine{nmax: 3, rmin: -0.5, rdelta: 0.1, steps: 15, absolute: true}, sub, L[16*j:16*j+16], w[:])
		}
		putF16(dst[80:], scaleTo(15, scales[:], ls[:]))
		putF16(dst[82:], scaleTo(15, mins[:], lm[:]))
	} else {
		sigma2 := sumSquares(x) / superBlock
		var w, sumw [16]float32
		for j := range 16 {
			sub := x[16*j : 16*j+16]
			weigh(w[:], sub, weights[16*j:16*j+16], sigma2)
			sumw[j] = sum(w[:])
			scales[j], mins[j] = searchAffine(weighedAffine(3), sub, L[16*j:16*j+16], w[:])
		}
		putF16(dst[80:], searchPositive(15, scales[:], ls[:], sumw[:]))
		putF16(dst[82:], searchPositive(15, mins[:], lm[:], sumw[:]))
	}
	d, dmin := getF16(dst[80:]), getF16(dst[82:])
	for j := range 16 {
		packed[j] = ls[j] | lm[j]<<4
		requantizeAffine(3, float32(d*float32(ls[j])), float32(dmin*float32(lm[j])), x[16*j:16*j+16], L[16*j:16*j+16])
	}
	pack2(dst[16:80], &L)
}

// scaleTo rounds the scales of sub-blocks to 0..nmax of their largest and returns the super-block's scale.
func scaleTo(nmax int32, scales []float32, L []uint8) float32 {
	var most float32
	for _, s := range scales {
		if s > most {
			most = s
		}
	}
	if most <= 0 {
		clear(L)
		return 0
	}
	iscale := float32(nmax) / most
	for j, s := range scales {
		L[j] = uint8(min(nmax, nearest(float32(iscale*s))))
	}
	return most / float32(nmax)
}

// requantizeAffine rounds x again with the scale and minimum as stored. A scale of 0 keeps what the search found.
func requantizeAffine(nmax int32, d, dm float32, x []float32, L []uint8) {
	if d == 0 {
		return
	}
	L = L[:len(x)]
	for i, v := range x {
		L[i] = uint8(clamp(nearest((v+dm)/d), 0, nmax))
	}
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
