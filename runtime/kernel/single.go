package kernel

import "unsafe"

// singleForm is what a kernel of one column must know of a format, see codec.Integers.
type singleForm struct {
	bits, sub                   int
	table, bf16, scaled, minima bool
	fast                        bool
	add                         int // with AVX2 in fast computation, see bytesAdded
}

// singleTile is a panel and one column of activations: what a token is computed with. Kernels for it take all of the panel
// as it lies in memory; what they compute is that of tiles.
type singleTile struct {
	form singleForm
	most int // the greatest that codes can be
	args singleArgs
}

// singleArgs is a singleTile as assembly takes it: parts of the panel, and of the activations.
type singleArgs struct {
	acc                             *float32
	codes, d, mins, scales, subMins *byte
	x                               unsafe.Pointer
	xs, xsum                        *float32
	init                            *int32
	table                           *[16]uint8
	blocks                          int
	factor                          float32
	offset                          int // of what table holds
	size                            int // of the panel
}

// formOf returns the form of a format.
func (p *panels) form() singleForm {
	return singleForm{bits: p.f.Bits, sub: p.f.Sub, table: p.table != nil, bf16: p.f.BF16Scales, scaled: p.f.Scaled, minima: p.f.Minima}
}

// single sets the 16 results of a panel and column c; acc has room for all. Columns must be tiles.
func (a *activations) single(t *singleTile, w *panels, panel []byte, acc []float32, c int) bool {
	_, _ = panel[w.size-1], acc[panelRows-1]
	blocks := w.cols / blockCols
	subs := c * w.cols / w.f.Sub // of the columns before
	t.form, t.most = w.form(), w.most
	t.form.fast = a.kind == bytes8
	t.args = singleArgs{acc: &acc[0], codes: &panel[w.codes], d: &panel[0], xs: &a.xs[c*blocks],
		init: &a.init(w.f.Sub, w.offset)[subs], table: w.table, blocks: blocks, factor: w.factor, offset: w.offset, size: w.size}
	k := active()
	if a.inWords(k) {
		t.args.x = unsafe.Pointer(&a.words[c*a.stride])
	} else {
		t.args.x = unsafe.Pointer(&a.bytes[c*a.stride])
	}
	if w.f.Scaled {
		t.args.scales = &panel[w.scales]
	}
	if w.f.Minima {
		t.args.mins, t.args.xsum = &panel[w.mins], &a.xsum(w.f.Sub)[subs]
		if w.f.Scaled {
			t.args.subMins = &panel[w.minima]
		}
	}
	return k.single(t)
}

// singleGeneric has no kernels.
func singleGeneric(*singleTile) bool { return false }
