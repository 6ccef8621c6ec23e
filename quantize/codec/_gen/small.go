package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// small writes what encoders of few values need: 4-bit floats, trits and signs.
func small(t *tier) {
	encodeMXFP4(t)

	t.function("trits", "(codes *uint8, x *float32, n int, id float32)", "sets codes to the trits of n times 32 elements, each times id.")
	b := &block{tier: t, dst: t.pointer("codes"), x: t.pointer("x")}
	id := t.scalar("id")
	magnitude, half, one := t.constant(1<<31-1), t.float(0.5), t.constant(1)
	t.loop(t.pointer("n"), func() {
		x := b.vectors(32)
		for i, v := range x {
			v = t.mul(id, v)
			large := t.ones(t.compare(t.and(v, magnitude), notLess, half))
			t.VPSRAD(operand.Imm(31), v, v) // -1 or 0
			x[i] = t.do(t.VPADDD, t.and(t.or(v, one), large), one)
		}
		t.bytes(x, false, at(b.dst, 0))
		t.advance(b.x, 4*32)
		t.advance(b.dst, 32)
	})
	t.end()

	t.function("notNegative", "(bits *uint8, x *float32, n int)", "sets a bit for each of n times 32 elements: those that are not negative.")
	b = &block{tier: t, dst: t.pointer("bits"), x: t.pointer("x")}
	zero := t.zero()
	t.loop(t.pointer("n"), func() {
		var masks []mask
		for _, v := range b.vectors(32) {
			masks = append(masks, t.compare(v, notLess, zero))
		}
		t.MOVL(t.allLanes(masks).As32(), at(b.dst, 0))
		t.advance(b.x, 4*32)
		t.advance(b.dst, 4)
	})
	t.end()
}

// encodeMXFP4 writes the encoder of MXFP4. It stops where the scale is less than 2^-124 or the logarithm of the largest
// magnitude may round up.
func encodeMXFP4(t *tier) {
	b := t.encoder("encodeMXFP4", "MXFP4")
	b.each(32, 17, func() {
		x := b.vectors(32)
		exponent, mantissa := t.GP32(), t.GP32()
		t.VMOVD(b.magnitude(x), exponent)
		t.MOVL(exponent, mantissa)
		t.ANDL(operand.U32(0x7fffff), mantissa)
		t.CMPL(mantissa, operand.U32(0x7fff00))
		t.JAE(operand.LabelRef(b.stop))
		t.SHRL(operand.Imm(23), exponent)
		t.CMPL(exponent, operand.Imm(4))
		t.JB(operand.LabelRef(b.stop))
		t.SUBL(operand.Imm(2), exponent)
		t.MOVB(exponent.As8(), at(b.dst, 0))
		// Divided by the scale, 2^(e-128): a power of two, so that nothing is rounded but what is far below all borders.
		inverse := t.GP32()
		t.MOVL(operand.U32(255), inverse)
		t.SUBL(exponent, inverse)
		t.SHLL(operand.Imm(23), inverse)
		scale := t.XMM()
		t.VMOVD(inverse, scale)
		id := t.everywhere(scale)
		for i, v := range x {
			x[i] = t.codeFP4(v, t.mul(id, t.and(v, t.constant(1<<31-1))))
		}
		b.pack(x, 4, 1)
	})
}

// codeFP4 is fp4Borders.code of v, whose magnitude in doubled units is given: it counts the borders below.
func (t *tier) codeFP4(v, magnitude reg.VecVirtual) reg.VecVirtual {
	n := t.zero()
	var above mask // the first border: what is not zero
	for i, border := range []float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10} {
		m := t.compare(magnitude, greater, t.float(border))
		if i == 0 {
			above = m
		}
		if t.wide() {
			t.VPADDD(t.constant(1), n, m, n)
		} else {
			t.VPSUBD(m, n, n)
		}
	}
	sign := t.vec()
	t.VPSRLD(operand.Imm(28), v, sign)
	return t.or(n, t.and(t.and(sign, t.constant(8)), t.ones(above)))
}
