//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

var productsAVX2 = products{
	unpack: unpackersAVX2.unpack, widen: unpackersAVX2.widen, halves: unpackersAVX2.halves,
	subScales: unpackersAVX2.subScales, subMinima: unpackersAVX2.subMinima,
	single: singleAVX2, narrow: tileNarrowAVX2, wide: tileWideAVX2, bytes: tileBytesAVX2,
	roundNarrow: roundNarrowGeneric, // not used
	roundWide:   rounding(blockCols, roundWideAVX2), roundBytes: rounding(blockCols, roundBytesAVX2),
	widths: [4]int{wideBF16: 32, narrow: 4, wide: 6, bytes8: 16}, mostNarrow: 12, narrowWords: true,
}

var productsAVX512 = products{
	unpack: unpackersAVX512.unpack, widen: unpackersAVX512.widen, halves: unpackersAVX512.halves,
	subScales: unpackersAVX512.subScales, subMinima: unpackersAVX512.subMinima,
	single: singleAVX512, narrow: tileNarrowAVX512, wide: tileWideAVX512, bytes: tileBytesAVX512,
	roundNarrow: rounding(2*blockCols, roundNarrowAVX512),
	roundWide:   rounding(blockCols, roundWideAVX512), roundBytes: rounding(blockCols, roundBytesAVX512),
	widths: [4]int{wideBF16: 32, narrow: 6, wide: 14, bytes8: 14}, mostNarrow: 12,
}

// The wrappers check what the assembly will touch.

// ready fills t.args; bytes is the size of an activation in x.
func (t *tile) ready(codes, x unsafe.Pointer, bytes int) *byte {
	n, w := t.blocks, t.width
	_ = t.acc[(w-1)*t.stride+panelRows-1]
	_ = t.xs[n*w-1]
	t.args = tileArgs{acc: &t.acc[0], stride: 4 * t.stride, codes: codes, d: &t.d[0], x: x, xStride: bytes * t.xStride, xs: &t.xs[0], blocks: n, width: w}
	if t.minima > 0 {
		_, _ = t.min[n*t.minima*panelRows-1], t.xsum[n*t.minima*w-1]
		t.args.min, t.args.xsum = &t.min[0], &t.xsum[0]
	}
	return (*byte)(unsafe.Pointer(&t.args))
}

// bytesReady is ready for bytes of activations, so many a block, words for words.
func (t *tile) bytesReady(perBlock int) *byte {
	_ = t.x[(t.width-1)*t.xStride+t.blocks*perBlock-1]
	return t.coded(unsafe.Pointer(&t.x[0]), 1)
}

func (t *tile) wordsReady() *byte {
	t.checkWords()
	return t.coded(unsafe.Pointer(&t.x16[0]), 2)
}

func (t *tile) checkWords() { _ = t.x16[(t.width-1)*t.xStride+t.blocks*blockCols-1] }

// coded is ready for tiles of codes.
func (t *tile) coded(x unsafe.Pointer, bytes int) *byte {
	_, _ = t.codes[512*t.blocks-1], t.init[t.blocks*t.subs*t.width-1]
	a := t.ready(unsafe.Pointer(&t.codes[0]), x, bytes)
	t.args.init = &t.init[0]
	return a
}

// narrowForm checks scales and tells which form of narrow kernels the tile needs.
func (t *tile) narrowForm() int {
	ds := t.blocks * t.subs
	form := t.subs - 1 + t.minima // 0, 1 with a minimum; 1 of two halves is 2
	if t.subs == 2 {
		form = 2
	}
	if t.scales != nil {
		_ = t.scales[ds*panelRows-1]
		t.args.scales = &t.scales[0]
		ds = t.blocks
		form = 3 + t.minima
		if t.subs == 2 {
			form = 5 + t.minima/2
		}
	}
	_ = t.d[ds*panelRows-1]
	return form
}

// wideForm does so for wide kernels.
func (t *tile) wideForm() int {
	_, _ = t.words[512*t.blocks-1], t.d[t.blocks*t.subs*panelRows-1]
	if t.subs == 2 {
		return 3
	}
	return t.minima
}

// bytesForm does so for those of fast computation.
func (t *tile) bytesForm() int {
	_ = t.d[t.blocks*t.subs*panelRows-1]
	if t.subs == 2 {
		return 2 + t.minima/2
	}
	return t.minima
}

func tileNarrowAVX512(t *tile) {
	a := t.bytesReady(2 * blockCols)
	narrowAVX512[t.narrowForm()][t.width](a)
}

func tileNarrowAVX2(t *tile) {
	a := t.wordsReady()
	narrowAVX2[t.narrowForm()][t.width](a)
}

func tileWideAVX512(t *tile) { t.wide(&wideAVX512[t.wideForm()][t.width]) }

func tileWideAVX2(t *tile) { t.wide(&wideAVX2[t.wideForm()][t.width]) }

func (t *tile) wide(f *func(a *byte)) {
	t.checkWords()
	(*f)(t.ready(unsafe.Pointer(&t.words[0]), unsafe.Pointer(&t.x16[0]), 2))
}

func tileBytesAVX512(t *tile) {
	bytesAVX512[t.bytesForm()][t.width](t.bytesReady(blockCols))
}

func tileBytesAVX2(t *tile) {
	bytesAVX2[t.bytesForm()][bytesAdded(t.most, t.subs)](t.bytesReady(blockCols))
}

// bytesAdded is the number of groups whose products fit in 16 bits with AVX2; 0 when one group's do not.
func bytesAdded(most, subs int) int {
	// Two products of a group meet, of activations of at most 127.
	switch groups := 32767 / (2 * 127 * most); {
	case groups >= 8 && subs == 1:
		return 8
	case groups >= 4:
		return 4
	case groups >= 2 && subs == 2:
		return 2
	case groups >= 1:
		return 1
	}
	return 0
}
