//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

var productsAVX2 = products{
	unpack: unpackersAVX2.unpack, widen: unpackersAVX2.widen, halves: unpackersAVX2.halves,
	subScales: unpackersAVX2.subScales, subMinima: unpackersAVX2.subMinima,
	single: singleAVX2, narrow: tileNarrowAVX2, wide: tileWideAVX2, bytes: tileBytesAVX2,
	roundNarrow: roundNarrowGeneric, // not used
	roundWide:   rounding(blockCols, roundWideAVX2), roundBytes: rounding(blockCols, roundBytesAVX2),
	widths: [5]int{wideBF16: 32, narrow: 4, wide: 6, bytes8: 16, wideTiles: exactTokens}, mostNarrow: 12, mostSingles: [2]int{1, 2}, narrowWords: true,
}

var productsAVX512 = products{
	unpack: unpackersAVX512.unpack, widen: unpackersAVX512.widen, halves: unpackersAVX512.halves,
	subScales: unpackersAVX512.subScales, subMinima: unpackersAVX512.subMinima,
	single: singleAVX512, narrow: tileNarrowAVX512, wide: tileWideAVX512, bytes: tileBytesAVX512,
	roundNarrow: rounding(2*blockCols, roundNarrowAVX512),
	roundWide:   rounding(blockCols, roundWideAVX512), roundBytes: rounding(blockCols, roundBytesAVX512),
	widths: [5]int{wideBF16: 32, narrow: 6, wide: 14, bytes8: 14, wideTiles: exactTokens}, mostNarrow: 12, mostSingles: [2]int{4, 4},
}

func (t *tile) wordsReady() *byte {
	t.checkWords()
	return t.coded(unsafe.Pointer(&t.x16[0]), 2)
}

func (t *tile) checkWords() { _ = t.x16[(t.width-1)*t.xStride+t.blocks*blockCols-1] }

// wideForm does so for wide kernels.
func (t *tile) wideForm() int {
	_, _ = t.words[512*t.blocks-1], t.d[t.blocks*t.subs*panelRows-1]
	if t.subs == 2 {
		return 3
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

func tileNarrowAVXVNNI(t *tile) {
	a := t.wordsReady()
	narrowAVXVNNI[t.narrowForm()][t.width](a)
}

func tileWideAVX512(t *tile) { t.wide(&wideAVX512[t.wideForm()][t.width]) }

func tileWideAVX2(t *tile) { t.wide(&wideAVX2[t.wideForm()][t.width]) }

func tileWideAVXVNNI(t *tile) { t.wide(&wideAVXVNNI[t.wideForm()][t.width]) }

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

func tileBytesAVXVNNI(t *tile) { bytesAVXVNNI[t.bytesForm()](t.bytesReady(blockCols)) }

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
