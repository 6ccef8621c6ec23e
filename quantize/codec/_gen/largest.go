package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// largest writes the search for the largest magnitude, which finds NaN and infinities too.
func largest(t *tier) {
	t.function("largest", "(x *float32, n int) uint32", "is largestGeneric of n times 64 elements, n at least 1.")
	x, n := t.pointer("x"), t.pointer("n")
	magnitude := t.bits(1<<31 - 1)
	var chains [4]reg.VecVirtual
	for i := range chains {
		chains[i] = t.zero()
	}
	t.loop(n, func() {
		for i := range 64 / t.lanes {
			c := chains[i%4]
			t.VPMAXUD(t.and(magnitude, at(x, i*t.width())), c, c)
		}
		t.advance(x, 64*4)
	})
	for _, c := range chains[1:] {
		t.VPMAXUD(c, chains[0], chains[0])
	}
	t.Store(t.mostUint(chains[0]), t.ReturnIndex(0))
	t.end()
}

// mostUint is the largest lane as an unsigned integer.
func (t *tier) mostUint(v reg.VecVirtual) reg.Register {
	if t.wide() {
		half := t.YMM()
		t.VEXTRACTI64X4(operand.Imm(1), v, half)
		t.VPMAXUD(half, v.AsY(), v.AsY())
	}
	x, high := v.AsX(), t.XMM()
	t.VEXTRACTI128(operand.Imm(1), v.AsY(), high)
	t.VPMAXUD(high, x, x)
	for _, order := range []uint8{0x4e, 0xb1} { // the other half, the neighbour
		t.VPSHUFD(operand.Imm(uint64(order)), x, high)
		t.VPMAXUD(high, x, x)
	}
	r := t.GP32()
	t.VMOVD(x, r)
	return r
}
