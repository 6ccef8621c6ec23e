package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// finite writes the search for the largest magnitude of F16 or BF16, without making float32 of them.
func finite(t *tier) {
	t.function("largestHalf", "(x *byte, n int) uint32", "is largestHalfGeneric of n times 256 bytes, n at least 1.")
	x, n := t.pointer("x"), t.pointer("n")
	magnitude := t.bits(0x7fff7fff)
	var chains [4]reg.VecVirtual
	for i := range chains {
		chains[i] = t.zero()
	}
	t.loop(n, func() {
		for i := range 256 / t.width() {
			c := chains[i%4]
			t.VPMAXUW(t.and(magnitude, at(x, i*t.width())), c, c)
		}
		t.advance(x, 256)
	})
	for _, c := range chains[1:] {
		t.VPMAXUW(c, chains[0], chains[0])
	}
	// The odd halves behind the even ones, as 32 bits.
	high := t.vec()
	t.VPSRLD(operand.Imm(16), chains[0], high)
	t.VPMAXUW(high, chains[0], chains[0])
	t.Store(t.mostUint(t.and(chains[0], t.bits(0xffff))), t.ReturnIndex(0))
	t.end()
}
