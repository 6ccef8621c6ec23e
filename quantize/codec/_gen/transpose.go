package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes the move of rows into lanes.
func transpose(t *tier) {
	t.function("transpose", "(dst, src *float32, stride, n int)", `sets dst[i*lanes+l] to src[l*stride+i], for i < n, a multiple of the lanes,
and each lane l.`)
	dst, src, stride, n := t.pointer("dst"), t.pointer("src"), t.pointer("stride"), t.pointer("n")
	t.SHLQ(operand.Imm(2), stride)
	t.SHRQ(operand.Imm(uint64(log2(t.lanes))), n)
	row := t.GP64()
	t.loop(n, func() {
		rows := make([]reg.VecVirtual, t.lanes)
		t.MOVQ(src, row)
		for l := range rows {
			rows[l] = t.load(at(row, 0))
			t.ADDQ(stride, row)
		}
		for i, column := range t.transposed(rows) {
			t.store(column, at(dst, i*t.width()))
		}
		t.advance(dst, t.lanes*t.width())
		t.advance(src, t.width())
	})
	t.end()
}

// transposed returns the columns of a square of lanes.
func (t *tier) transposed(rows []reg.VecVirtual) []reg.VecVirtual {
	// Squares of 4 within the quarters of 128 bits first.
	n := t.lanes
	fours := make([]reg.VecVirtual, n)
	for r := 0; r < n; r += 4 {
		a, b := t.do(t.VUNPCKLPS, rows[r], rows[r+1]), t.do(t.VUNPCKHPS, rows[r], rows[r+1])
		c, d := t.do(t.VUNPCKLPS, rows[r+2], rows[r+3]), t.do(t.VUNPCKHPS, rows[r+2], rows[r+3])
		fours[r], fours[r+1] = t.do(t.VUNPCKLPD, a, c), t.do(t.VUNPCKHPD, a, c)
		fours[r+2], fours[r+3] = t.do(t.VUNPCKLPD, b, d), t.do(t.VUNPCKHPD, b, d)
	}
	// fours[4*q+c] has in quarter k column 4*k+c of rows 4*q to 4*q+3: quarters are transposed in the same way.
	columns := make([]reg.VecVirtual, n)
	for c := range 4 {
		if !t.wide() {
			columns[c], columns[4+c] = t.quarters(0x20, fours[c], fours[4+c]), t.quarters(0x31, fours[c], fours[4+c])
			continue
		}
		a, b := t.quarters(0x44, fours[c], fours[4+c]), t.quarters(0xee, fours[c], fours[4+c])
		e, f := t.quarters(0x44, fours[8+c], fours[12+c]), t.quarters(0xee, fours[8+c], fours[12+c])
		columns[c], columns[4+c] = t.quarters(0x88, a, e), t.quarters(0xdd, a, e)
		columns[8+c], columns[12+c] = t.quarters(0x88, b, f), t.quarters(0xdd, b, f)
	}
	return columns
}

// quarters chooses 128 bits at a time of a and b, in an order that the tiers write differently.
func (t *tier) quarters(order uint64, a, b vec) reg.VecVirtual {
	d := t.vec()
	if t.wide() {
		t.VSHUFF32X4(operand.Imm(order), b, a, d)
	} else {
		t.VPERM2F128(operand.Imm(order), b, a, d)
	}
	return d
}

func log2(n int) (l int) {
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}
