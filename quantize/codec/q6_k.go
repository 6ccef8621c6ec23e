package codec

import "encoding/binary"

// Q6_K: super-blocks of 256 elements in 16 sub-blocks, 210 bytes; for each half of 128 elements and l < 32:
//
//	128 bytes low fourBits: byte l holds elements l and l+64, byte l+32 holds l+32 and l+96
//	64 bytes  high 2 bits: byte l holds elements l, l+32, l+64 and l+96
//	16 int8   scales
//	 2 bytes  d, f16: x = d*scale*(q-32)

func encodeQ6K(dst []byte, src []float32, cols int, weights []float32) {
	eachBlock(dst, src, cols, weights, superBlock, 210, encodeQ6KBlock)
}

func encodeQ6KBlock(dst []byte, x, weights []float32) {
	var g symmetricGrid
	var L [superBlock]uint8
	fitQ6K(&g, x, weights, &L)
	g.round(32, x, &L)
	packQ6K(dst, &g, &L)
}

// fitQ6K finds the grid of x. L becomes the codes on the grids before their rounding.
func fitQ6K(g *symmetricGrid, x, weights []float32, L *[superBlock]uint8) {
	var scales [16]float32
	for j := range 16 {
		var w []float32
		if weights != nil {
			w = weights[16*j : 16*j+16] // as they are: this format does not weigh by x
		}
		scales[j] = searchSymmetric(32, x[16*j:16*j+16], L[16*j:16*j+16], w)
	}
	signed, magnitude := absMax(scales[:])
	if magnitude < tooSmall {
		*g = symmetricGrid{}
		clear(L[:])
		return
	}
	iscale := -128 / signed
	for j, s := range scales {
		g.ls[j] = int8(min(127, nearest(float32(iscale*s))))
	}
	g.set(1 / iscale)
}

func packQ6K(dst []byte, g *symmetricGrid, L *[superBlock]uint8) {
	pack6(dst[:192], L)
	for j, l := range g.ls {
		dst[192+j] = uint8(l)
	}
	binary.LittleEndian.PutUint16(dst[208:], g.d)
}

// q6Values are q-32.
var q6Values = func() (v [64]float32) {
	for i := range v {
		v[i] = float32(i - 32)
	}
	return v
}()

func decodeQ6K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[210:] {
		d := getF16(src[208:])
		var ds [16]float32
		for j := range ds {
			ds[j] = float32(d * float32(int8(src[192+j])))
		}
		for k := range 4 { // half k/2, l/16 = k%2
			at := k/2*128 + k%2*16
			low, high := src[k/2*64+k%2*16:][:48], src[128+16*k:][:16]
			y := (*[112]float32)(dst[at:])
			s0, s2, s4, s6 := ds[k/2*8+k%2], ds[k/2*8+k%2+2], ds[k/2*8+k%2+4], ds[k/2*8+k%2+6]
			for l, b := range high {
				y[l] = s0 * q6Values[(low[l]&15|b<<4)&63]
				y[l+32] = s2 * q6Values[(low[l+32]&15|b<<2&48)&63]
				y[l+64] = s4 * q6Values[(low[l]>>4|b&48)&63]
				y[l+96] = s6 * q6Values[(low[l+32]>>4|b>>2&48)&63]
			}
		}
	}
}
