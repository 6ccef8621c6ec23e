//go:build (amd64 || arm64) && gc && !noasm && !purego

package kernel

// unpackers is the assembly of a tier that makes panels ready for tiles, and rows of activations. Its methods check what
// that will touch.
type unpackers struct {
	codes                          [9]func(dst, planes *byte, blocks int, table *[16]uint8) // by bits
	lookUp                         [5]func(dst, planes *byte, blocks int, table *[16]uint8) // with a table
	widenOffset, widen16, widen32  func(words *int16, codes *byte, blocks, offset int, scales *byte)
	halvesF16                      func(dst *float32, src *byte, n int, factor float32)
	halvesBF16                     func(dst *float32, src *byte, n int)
	multiplyScales, multiplyMinima func(dst, d *float32, bytes *byte, supers, per int)
	repeat8                        func(dst, d *float32, supers int)
}

func (u *unpackers) unpack(dst, planes []byte, blocks, bits int, table *[16]uint8) {
	if blocks == 0 {
		return
	}
	_, _ = dst[512*blocks-1], planes[vectorBytes*bits*blocks-1]
	f := u.codes[bits]
	if table != nil {
		f = u.lookUp[bits]
	}
	if f == nil { // no format has that
		unpackGeneric(dst, planes, blocks, bits, table)
		return
	}
	f(&dst[0], &planes[0], blocks, table)
}

func (u *unpackers) widen(words []int16, codes []byte, blocks, offset int, scales []byte, sub int) {
	if blocks == 0 {
		return
	}
	_, _ = words[512*blocks-1], codes[512*blocks-1]
	w, c := &words[0], &codes[0]
	if scales == nil {
		u.widenOffset(w, c, blocks, offset, nil)
		return
	}
	_ = scales[blocks*blockCols/sub*panelRows-1]
	if sub == 16 {
		u.widen16(w, c, blocks, offset, &scales[0])
	} else {
		u.widen32(w, c, blocks, offset, &scales[0])
	}
}

func (u *unpackers) halves(dst []float32, src []byte, n int, bf16 bool, factor float32) {
	if n == 0 {
		return
	}
	_, _ = dst[n*panelRows-1], src[2*n*panelRows-1]
	if bf16 {
		u.halvesBF16(&dst[0], &src[0], n)
	} else {
		u.halvesF16(&dst[0], &src[0], n, factor)
	}
}

func (u *unpackers) subScales(dst, d []float32, scales []byte, n, per int) {
	if n == 0 {
		return
	}
	_, _ = dst[n*panelRows-1], d[n/per*panelRows-1]
	if scales == nil && per == superCols/blockCols {
		u.repeat8(&dst[0], &d[0], n/per)
		return
	}
	_ = scales[n*panelRows-1]
	u.multiplyScales(&dst[0], &d[0], &scales[0], n/per, per)
}

func (u *unpackers) subMinima(dst, min []float32, minima []byte, n, per int) {
	if n == 0 {
		return
	}
	_, _, _ = dst[n*panelRows-1], min[n/per*panelRows-1], minima[n*panelRows-1]
	u.multiplyMinima(&dst[0], &min[0], &minima[0], n/per, per)
}

// rounding makes an operation of the assembly f, which writes so many elements a block.
func rounding[T int8 | int16](perBlock int, f func(dst *T, row, scales *float32, sums *int32, blocks int)) func(dst []T, row, scales []float32, sums []int32) {
	return func(dst []T, row, scales []float32, sums []int32) {
		if n := len(scales); n > 0 {
			_, _, _ = dst[n*perBlock-1], row[n*blockCols-1], sums[2*n-1]
			f(&dst[0], &row[0], &scales[0], &sums[0], n)
		}
	}
}
