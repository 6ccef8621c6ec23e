package main

import "github.com/mmcloughlin/avo/operand"

// halves writes the encoders of F16 and BF16, 16 elements at a time. They stop at NaN.
func halves(t *tier) {
	b := t.encoder("encodeF16", "16 elements of F16")
	b.each(16, 32, func() {
		for i, v := range b.vectors(16) {
			b.stopAt(t.compare(v, unordered, v))
			t.VCVTPS2PH(operand.Imm(0), v, at(b.dst, i*2*t.lanes))
		}
	})

	b = t.encoder("encodeBF16", "16 elements of BF16")
	b.each(16, 32, func() {
		x := b.vectors(16)
		for i, v := range x {
			b.stopAt(t.compare(v, unordered, v))
			// Half of the last place that stays, and a little more where that makes it even.
			high := t.vec()
			t.VPSRLD(operand.Imm(16), v, high)
			odd := t.and(high, t.constant(1))
			v = t.do(t.VPADDD, t.do(t.VPADDD, v, odd), t.constant(0x7fff))
			t.VPSRLD(operand.Imm(16), v, v)
			x[i] = v
		}
		if t.wide() {
			t.VPMOVDW(x[0], at(b.dst, 0))
			return
		}
		words := t.do(t.VPACKUSDW, x[0], x[1])
		t.VPERMQ(operand.Imm(0xd8), words, words)
		t.store(words, at(b.dst, 0))
	})
}

// stopAt stops before a block where m holds somewhere.
func (b *block) stopAt(m mask) {
	fine := b.label("fine")
	b.unless(m, fine)
	b.JMP(operand.LabelRef(b.stop))
	b.Label(fine)
}
