//go:build gc && !noasm && !purego

package kernel

import (
	"math"
	"unsafe"
)

var unpackersNEON = unpackers{
	codes:     [9]func(dst, planes *byte, blocks int, table *[16]uint8){2: unpack2NEON, 3: unpack3NEON, 4: unpack4NEON, 5: unpack5NEON, 6: unpack6NEON},
	lookUp:    [5]func(dst, planes *byte, blocks int, table *[16]uint8){1: unpack1TableNEON, 3: unpack3TableNEON, 4: unpack4TableNEON},
	halvesF16: halvesF16NEON, halvesBF16: halvesBF16NEON,
	multiplyScales: multiplyScalesNEON, multiplyMinima: multiplyMinimaNEON, repeat8: repeat8NEON,
}

// productsNEON has nothing for words: multiplying them takes a register of 16 bits from each four of the bytes that dot
// products take, so that two passes over bytes, of high parts of activations and of low ones, are faster for any number of
// tokens.
var productsNEON = products{
	unpack: unpackersNEON.unpack, widen: widenGeneric, halves: unpackersNEON.halves,
	subScales: unpackersNEON.subScales, subMinima: unpackersNEON.subMinima,
	single: singleNEON, narrow: tileNarrowNEON, wide: wideGeneric, bytes: tileBytesNEON,
	roundNarrow: rounding(2*blockCols, roundNarrowNEON),
	roundWide:   roundWideGeneric, roundBytes: rounding(blockCols, roundBytesNEON),
	widths: [5]int{narrow: 4, wide: 4, bytes8: 8, wideBF16: 32, wideTiles: exactTokens}, mostNarrow: math.MaxInt, mostSingles: [2]int{1, 1},
}

func singleNEON(s *singleTile) bool { return s.with(singlesNEON) }

func tileNarrowNEON(t *tile) {
	t.bytesReady(2 * blockCols)
	form := t.narrowForm()
	if t.most > 127 { // codes are more than signed bytes
		switch form {
		case 0:
			form = 7
		case 3:
			form = 8
		default: // no format has that
			narrowGeneric(t)
			return
		}
	}
	t.columns(narrowNEON[form][:])
}

func tileBytesNEON(t *tile) {
	t.bytesReady(blockCols)
	form := t.bytesForm()
	if t.most > 127 {
		if form > 0 { // no format has that
			bytesGeneric(t)
			return
		}
		form = 4
	}
	t.columns(bytesNEON[form][:])
}

// columns computes the tile with kernels of as many columns as there are, as wide ones as possible.
func (t *tile) columns(kernels []func(a *byte)) {
	a := &t.args
	a.width *= 4 // from row to row of values for each column
	for left := t.width; left > 0; {
		w := len(kernels) - 1
		for w > left || kernels[w] == nil {
			w--
		}
		kernels[w]((*byte)(unsafe.Pointer(a)))
		if left -= w; left == 0 {
			return
		}
		a.acc = (*float32)(unsafe.Add(unsafe.Pointer(a.acc), w*a.stride))
		a.x = unsafe.Add(a.x, w*a.xStride)
		a.xs, a.init = after(a.xs, w), after(a.init, w)
		if a.xsum != nil {
			a.xsum = after(a.xsum, w)
		}
	}
}

// after is the address n elements behind p.
func after[T any](p *T, n int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), uintptr(n)*unsafe.Sizeof(*p)))
}

var denseNEON = dense{
	floats:     func(t *floatTile) { floatsNEON[t.form()][t.width](t.checked()) },
	joinLanes:  func(dst, l []float32) { joinChecked(dst, l, joinLanesNEON) },
	floatWidth: len(floatsNEON[0]) - 1,
}
