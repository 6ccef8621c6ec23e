//go:build (amd64 || arm64) && gc && !noasm && !purego

package kernel

import "unsafe"

// The methods here check what assembly will touch.

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

// bytesForm does so for kernels of fast computation.
func (t *tile) bytesForm() int {
	_ = t.d[t.blocks*t.subs*panelRows-1]
	if t.subs == 2 {
		return 2 + t.minima/2
	}
	return t.minima
}
