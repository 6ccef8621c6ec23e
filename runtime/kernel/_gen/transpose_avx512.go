package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposeAVX512 writes the transposition of blocks of 16 rows of 16 lanes.
func transposeAVX512(c *build.Context) {
	begin(c, "transposeAVX512", "(dst, src *int16, blocks int)", "makes rows of columns: blocks of 16 x 16 pairs of words.")
	dst, src, n := param(c, "dst"), param(c, "src"), param(c, "blocks")
	c.Label("block")
	var v [16]reg.VecVirtual
	for i := range v {
		v[i] = c.ZMM()
		c.VMOVDQU32(operand.Mem{Base: src, Disp: 64 * i}, v[i])
	}
	// Of each two rows that are step apart, join what low and high take of them.
	stage := func(step int, low, high func(a, b, d reg.VecVirtual)) {
		for i := range v {
			if i&step == 0 {
				a, b := c.ZMM(), c.ZMM()
				low(v[i], v[i+step], a)
				high(v[i], v[i+step], b)
				v[i], v[i+step] = a, b
			}
		}
	}
	// Lanes within quarters: rows 0 and 1, pairs of 2 and 3; then the quarters themselves.
	stage(1, func(a, b, d reg.VecVirtual) { c.VPUNPCKLDQ(b, a, d) }, func(a, b, d reg.VecVirtual) { c.VPUNPCKHDQ(b, a, d) })
	stage(2, func(a, b, d reg.VecVirtual) { c.VPUNPCKLQDQ(b, a, d) }, func(a, b, d reg.VecVirtual) { c.VPUNPCKHQDQ(b, a, d) })
	stage(4, func(a, b, d reg.VecVirtual) { c.VSHUFI32X4(operand.Imm(0x88), b, a, d) }, func(a, b, d reg.VecVirtual) { c.VSHUFI32X4(operand.Imm(0xdd), b, a, d) })
	stage(8, func(a, b, d reg.VecVirtual) { c.VSHUFI32X4(operand.Imm(0x88), b, a, d) }, func(a, b, d reg.VecVirtual) { c.VSHUFI32X4(operand.Imm(0xdd), b, a, d) })
	for i := range v {
		// Within quarters a row's two lowest bits have changed places: 0 2 1 3.
		lane := i&^3 | i&1<<1 | i>>1&1
		c.VMOVDQU32(v[i], operand.Mem{Base: dst, Disp: 64 * lane})
	}
	c.ADDQ(operand.I32(1024), src)
	c.ADDQ(operand.I32(1024), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}
