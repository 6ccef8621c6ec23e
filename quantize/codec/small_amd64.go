//go:build amd64 && gc && !noasm && !purego

package codec

import "unsafe"

// copyToF32 copies: amd64 has the byte order of the file.
func copyToF32(dst []byte, src []float32, _ int, _ []float32) {
	if len(src) > 0 {
		copy(dst, unsafe.Slice((*byte)(unsafe.Pointer(&src[0])), 4*len(src)))
	}
}

// tritBlocks calls pack with the trits of every block of src and their scale.
func (k *lanes) tritBlocks(dst []byte, src []float32, size, bytes int, pack func(dst []byte, d float32, L *[superBlock]uint8)) {
	g := groups.Get().(*group)
	defer groups.Put(g)
	for ; len(src) > 0; dst, src = dst[bytes:], src[size:] {
		d := Largest(src[:size])
		k.trits(&g.codes[0], &src[0], size/32, tritScale(d))
		pack(dst, d, &g.codes)
	}
}

func (k *lanes) encodeTQ1(dst []byte, src []float32, _ int, _ []float32) {
	k.tritBlocks(dst, src, superBlock, 54, packTQ1)
}

func (k *lanes) encodeTQ2(dst []byte, src []float32, _ int, _ []float32) {
	k.tritBlocks(dst, src, superBlock, 66, packTQ2)
}

func (k *lanes) encodeQ2(dst []byte, src []float32, _ int, _ []float32) {
	k.tritBlocks(dst, src, 64, 18, packQ2)
}

// encodeQ1 sums the magnitudes of a block in each lane, since sums have an order.
func (k *lanes) encodeQ1(dst []byte, src []float32, cols int, _ []float32) {
	k.eachGroup(dst, src, cols, nil, 128, 18, func(g *group) (odd uint32) {
		k.magnitudes(&g.w[0], &g.x[0], 128)
		k.sums(&g.d[0], &g.w[0], 1, 128)
		return 0
	}, func(g *group, l int, dst []byte, x []float32) {
		putF16(dst, g.d[l]/128)
		k.notNegative(&dst[2], &x[0], 4)
	}, encodeQ1Block)
}
