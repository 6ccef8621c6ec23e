package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// largest returns the largest lane of the vectors in all lanes.
func (t *tier) largest(vs []reg.VecVirtual) reg.VecVirtual {
	v := vs[0]
	for _, other := range vs[1:] {
		t.VMAXPS(other, v, v)
	}
	if t.wide() {
		other := t.vec()
		t.VSHUFF64X2(operand.Imm(0x4e), v, v, other) // halves exchanged
		t.VMAXPS(other, v, v)
		t.VSHUFF64X2(operand.Imm(0xb1), v, v, other) // quarters exchanged
		t.VMAXPS(other, v, v)
	} else {
		other := t.vec()
		t.VPERM2F128(operand.Imm(1), v, v, other)
		t.VMAXPS(other, v, v)
	}
	for _, order := range []uint64{0x4e, 0xb1} { // in quarters: halves exchanged, then neighbours
		other := t.vec()
		t.VPERMILPS(operand.Imm(order), v, other)
		t.VMAXPS(other, v, v)
	}
	return v
}

func softmax(t *tier) {
	least := float32(math.Inf(-1))

	t.function("peak", "(x []float32) float32")
	n, p := t.slices("x")
	fill := t.register(t.float(least))
	var tops []reg.VecVirtual
	for range t.parts() {
		tops = append(tops, t.copy(fill))
	}
	t.each(n, p, func(s part) { t.VMAXPS(s.loadOr(p[0], fill), tops[s.i], tops[s.i]) })
	t.give(t.largest(tops).AsX())
	t.end()

	t.function("expSum", "(x []float32, top float32) float32")
	n, p = t.slices("x")
	top, exp, sums := t.scalar("top"), t.exp(), t.newLanes()
	t.each(n, p, func(s part) {
		e := s.only(exp(t.sub(s.load(p[0]), top)))
		s.store(e, p[0])
		t.VADDPS(e, sums[s.i], sums[s.i])
	})
	t.join(sums)
	t.end()

	t.function("exp", "(x []float32)")
	n, p = t.slices("x")
	exp = t.exp()
	t.each(n, p, func(s part) { s.store(exp(s.load(p[0])), p[0]) })
	t.end()
}
