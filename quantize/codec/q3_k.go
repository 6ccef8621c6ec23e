package codec

import "encoding/binary"

// Q3_K: super-blocks of 256 elements in 16 sub-blocks, 110 bytes:
//
//	32 bytes  third bits: bit g of byte l is element 32*g+l
//	64 bytes  low 2 bits, see pack2
//	12 bytes  6-bit scales, see packScalesQ3K
//	 2 bytes  d, f16: x = d*(scale-32)*(q-4)

func encodeQ3K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 110, encodeQ3KBlock)
}

func encodeQ3KBlock(dst []byte, x, weights []float32) {
	var g symmetricGrid
	var L [superBlock]uint8
	fitQ3K(&g, x, weights, &L)
	g.round(4, x, &L)
	packQ3K(dst, &g, &L)
}

// fitQ3K finds the grid of x. L becomes the codes on the grids before their rounding.
func fitQ3K(g *symmetricGrid, x, weights []float32, L *[superBlock]uint8) {
	var scales [16]float32
	if weights == nil {
		for j := range 16 {
			scales[j] = searchDescent(4, x[16*j:16*j+16], L[16*j:16*j+16])
		}
		g.set(roundScalesQ3K(&scales, &g.ls))
		return
	}
	sigma2 := 2 * sumSquares(x) / superBlock
	var w, sumw [16]float32
	for j := range 16 {
		sub := x[16*j : 16*j+16]
		weigh(w[:], sub, weights[16*j:16*j+16], sigma2)
		sumw[j] = sum(w[:])
		scales[j] = searchSymmetric(4, sub, L[16*j:16*j+16], w[:])
	}
	var ls [16]uint8
	d := searchSymmetric(32, scales[:], ls[:], sumw[:])
	for j, l := range ls {
		g.ls[j] = int8(l) - 32
	}
	g.set(d)
}

func packQ3K(dst []byte, g *symmetricGrid, L *[superBlock]uint8) {
	packBits(dst[:32], L, 2)
	pack2(dst[32:96], L)
	packScalesQ3K(dst[96:108], &g.ls)
	binary.LittleEndian.PutUint16(dst[108:], g.d)
}

// roundScalesQ3K rounds to 6 bits so that the scale of largest magnitude becomes -32.
func roundScalesQ3K(scales *[16]float32, ls *[16]int8) float32 {
	signed, _ := absMax(scales[:])
	if signed == 0 {
		for j := range ls {
			ls[j] = -32 // of d = 0: the reference leaves bytes of zero here
		}
		return 0
	}
	iscale := -32 / signed
	for j, s := range scales {
		ls[j] = int8(clamp(nearest(float32(iscale*s)), -32, 31))
	}
	return 1 / iscale
}

// packScalesQ3K adds 32 and puts low nibbles in bytes 0-7 (j and j+8) and the high 2 bits of scale j in byte 8+j%4.
func packScalesQ3K(dst []byte, ls *[16]int8) {
	var l [16]uint8
	for j := range l {
		l[j] = uint8(ls[j] + 32)
	}
	dst = dst[:12]
	for j := range 8 {
		dst[j] = l[j]&15 | l[j+8]<<4
	}
	for j := range 4 {
		dst[8+j] = l[j]>>4 | l[j+4]>>4<<2 | l[j+8]>>4<<4 | l[j+12]>>4<<6
	}
}

// q3Values are q-4.
var q3Values = [16]float32{-4, -3, -2, -1, 0, 1, 2, 3}

func decodeQ3K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[110:] {
		d := getF16(src[108:])
		packed := src[96:108]
		for j := range 16 {
			scale := int32(packed[j%8]>>(j/8*4)&15|packed[8+j%4]>>(j/4*2)&3<<4) - 32
			dl := float32(d * float32(scale))
			q := src[32+j/8*32+j%2*16:][:16]
			high := src[j%2*16:][:16]
			shift, bit := j%8/2*2, j/2
			y := (*[16]float32)(dst[16*j:])
			for i := 0; i < 16; i += 8 {
				levels := binary.LittleEndian.Uint64(q[i:])>>shift&twoBits | binary.LittleEndian.Uint64(high[i:])>>bit&oneBit<<2
				putScaled((*[8]float32)(y[i:]), levels, &q3Values, dl)
			}
		}
	}
}
