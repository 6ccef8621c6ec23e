package main

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// part is one vector of a block: the whole of it, or the elements that are left at the end.
type part struct {
	t    *tier
	i    int          // which of the block
	mask reg.Register // nil when all lanes are there
}

// load is the part's vector at p; lanes that are not there are 0.
func (s part) load(p reg.Register) reg.VecVirtual {
	d, m := s.t.vec(), at(p, 4*s.t.lanes*s.i)
	switch {
	case s.mask == nil:
		s.t.VMOVUPS(m, d)
	case s.t.wide():
		s.t.VMOVUPS_Z(m, s.mask, d)
	default:
		s.t.VMASKMOVPS(m, s.mask, d)
	}
	return d
}

// store writes v to the part's place at p.
func (s part) store(v reg.Register, p reg.Register) {
	m := at(p, 4*s.t.lanes*s.i)
	switch {
	case s.mask == nil:
		s.t.VMOVUPS(v, m)
	case s.t.wide():
		s.t.VMOVUPS(v, s.mask, m)
	default:
		s.t.VMASKMOVPS(v, s.mask, m)
	}
}

// each writes body for every part of n elements, which lie at the pointers. It moves the pointers and uses n up.
func (t *tier) each(n reg.Register, body func(s part), pointers ...reg.Register) {
	loop, rest, end := t.label("loop"), t.label("rest"), t.label("end")
	t.SUBQ(operand.Imm(block), n)
	t.JLT(operand.LabelRef(rest))
	t.Label(loop)
	for i := range t.parts() {
		body(part{t: t, i: i})
	}
	for _, p := range pointers {
		t.ADDQ(operand.Imm(4*block), p)
	}
	t.SUBQ(operand.Imm(block), n)
	t.JGE(operand.LabelRef(loop))
	t.Label(rest)
	t.ADDQ(operand.Imm(block), n)
	t.JEQ(operand.LabelRef(end))
	for i := range t.parts() {
		body(part{t: t, i: i, mask: t.firstLanes(n, i)})
	}
	t.Label(end)
}

// firstLanes is the mask of those lanes of a block's part i that are among the first n of the block, n less than block.
func (t *tier) firstLanes(n reg.Register, i int) reg.Register {
	if t.wide() {
		bits, k := t.GP32(), t.K()
		t.MOVL(operand.I32(-1), bits)
		t.BZHIL(n.(reg.GPVirtual).As32(), bits, bits)
		t.KMOVW(bits, k)
		return k
	}
	// Sixteen ones, then as many zeros: where one begins to read says how many ones there are.
	table := t.table("firstLanes", append(slices.Repeat([]uint64{math.MaxUint64}, block/2), make([]uint64, block/2)...))
	from, k := t.GP64(), t.vec()
	t.LEAQ(table.Offset(4*block), from)
	back := t.GP64()
	t.MOVQ(n, back)
	t.NEGQ(back)
	t.VMOVUPS(operand.Mem{Base: from, Index: back, Scale: 4, Disp: 4 * t.lanes * i}, k)
	return k
}
