//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

var productsAVX512 = products{
	unpack: unpackAVX512, widen: widenAVX512, halves: halvesAVX512, subScales: subScalesAVX512, subMinima: subMinimaAVX512,
	single: singleAVX512, narrow: tileNarrowAVX512, wide: tileWideAVX512, bytes: tileBytesAVX512,
	roundNarrow: roundNarrowRow, roundWide: roundWideRow, roundBytes: roundBytesRow,
}

// The wrappers check what the assembly will touch.

// ready fills t.args; bytes is the size of an activation in x.
func (t *tile) ready(codes, x unsafe.Pointer, bytes int) *byte {
	n, w := t.blocks, t.width
	_ = t.acc[(w-1)*t.stride+panelRows-1]
	_ = t.xs[n*w-1]
	t.args = tileArgs{acc: &t.acc[0], stride: 4 * t.stride, codes: codes, d: &t.d[0], x: x, xStride: bytes * t.xStride, xs: &t.xs[0], blocks: n}
	if t.minima > 0 {
		_, _ = t.min[n*t.minima*panelRows-1], t.xsum[n*t.minima*w-1]
		t.args.min, t.args.xsum = &t.min[0], &t.xsum[0]
	}
	return (*byte)(unsafe.Pointer(&t.args))
}

// checked is ready for tiles of codes.
func (t *tile) checked(perColumn int) *byte {
	n, w := t.blocks, t.width
	_, _ = t.codes[512*n-1], t.x[(w-1)*t.xStride+n*perColumn-1]
	_ = t.init[n*t.subs*w-1]
	a := t.ready(unsafe.Pointer(&t.codes[0]), unsafe.Pointer(&t.x[0]), 1)
	t.args.init = &t.init[0]
	return a
}

func tileNarrowAVX512(t *tile) {
	a, ds := t.checked(2*blockCols), t.blocks*t.subs
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
	narrowAVX512[form][t.width](a)
}

func tileWideAVX512(t *tile) {
	n, w := t.blocks, t.width
	_, _ = t.words[512*n-1], t.x16[(w-1)*t.xStride+n*blockCols-1]
	_ = t.d[n*t.subs*panelRows-1]
	form := t.minima
	if t.subs == 2 {
		form = 3
	}
	wideAVX512[form][w](t.ready(unsafe.Pointer(&t.words[0]), unsafe.Pointer(&t.x16[0]), 2))
}

func tileBytesAVX512(t *tile) {
	a := t.checked(blockCols)
	_ = t.d[t.blocks*t.subs*panelRows-1]
	form := t.minima
	if t.subs == 2 {
		form = 2 + t.minima/2
	}
	bytesAVX512[form][t.width](a)
}
