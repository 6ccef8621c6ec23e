package main

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// part is one vector of a block: the whole of it, or the elements that are left at the end.
type part struct {
	t *tier
	i int // which of the block
	// When elements are missing: how many of the block there are, and the lanes that are.
	left, mask reg.Register
}

// load is the part's vector at p; lanes that are not there are 0.
func (s part) load(p reg.Register) reg.VecVirtual {
	d, m := s.t.vec(), s.at(p)
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

// loadOr is load, but lanes that are not there are those of fill.
func (s part) loadOr(p reg.Register, fill reg.VecVirtual) reg.VecVirtual {
	d, m := s.t.vec(), s.at(p)
	switch {
	case s.mask == nil:
		s.t.VMOVUPS(m, d)
	case s.t.wide():
		d = s.t.copy(fill)
		s.t.VMOVUPS(m, s.mask, d)
	default:
		s.t.VMASKMOVPS(m, s.mask, d)
		s.t.VBLENDVPS(s.mask, d, fill, d)
	}
	return d
}

// loadTwice is each of half as many elements at p in two lanes.
func (s part) loadTwice(p reg.Register, twice reg.VecVirtual) reg.VecVirtual {
	d, m := s.t.vec(), at(p, 2*s.t.lanes*s.i)
	half := d.AsX()
	if s.t.wide() {
		half = d.AsY()
	}
	if s.mask == nil {
		s.t.VMOVUPS(m, half)
	} else {
		left := s.t.GP64()
		s.t.MOVQ(s.left, left)
		s.t.SHRQ(operand.Imm(1), left)
		mask := s.t.firstLanes(left, s.t.lanes/2*s.i)
		if s.t.wide() {
			s.t.VMOVUPS_Z(m, mask, half)
		} else {
			s.t.VMASKMOVPS(m, mask.(reg.VecVirtual).AsX(), half)
		}
	}
	s.t.VPERMPS(d, twice, d)
	return d
}

// only is v with zeros in lanes that are not there.
func (s part) only(v reg.VecVirtual) reg.VecVirtual {
	if s.mask == nil {
		return v
	}
	if s.t.wide() {
		s.t.VMOVAPS_Z(v, s.mask, v)
		return v
	}
	return s.t.do(s.t.VANDPS, v, s.mask)
}

// store writes v to the part's place at p.
func (s part) store(v reg.Register, p reg.Register) {
	m := s.at(p)
	switch {
	case s.mask == nil:
		s.t.VMOVUPS(v, m)
	case s.t.wide():
		s.t.VMOVUPS(v, s.mask, m)
	default:
		s.t.VMASKMOVPS(v, s.mask, m)
	}
}

// at is the part's place in the block at p.
func (s part) at(p reg.Register) operand.Mem { return at(p, 4*s.t.lanes*s.i) }

// each writes body for every part of n elements, which lie at the pointers. It moves the pointers and uses n up.
func (t *tier) each(n reg.Register, pointers []reg.Register, body func(s part)) {
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
		body(part{t: t, i: i, left: n, mask: t.firstLanes(n, t.lanes*i)})
	}
	t.Label(end)
}

// ifAny goes to the label it returns, which the caller places, when n is 0.
func (t *tier) ifAny(n reg.Register) string {
	end := t.label("end")
	t.TESTQ(n, n)
	t.JEQ(operand.LabelRef(end))
	return end
}

// loop repeats body n times, at least once, counting n down.
func (t *tier) loop(n reg.Register, body func()) {
	label := t.label("loop")
	t.Label(label)
	body()
	t.DECQ(n)
	t.JNE(operand.LabelRef(label))
}

// firstLanes is the mask of a vector whose first lane is the element number first of a block, with those lanes that are
// among the block's first n.
func (t *tier) firstLanes(n reg.Register, first int) reg.Register {
	if t.wide() { // which has one vector a block
		bits, k := t.GP32(), t.K()
		t.MOVL(operand.I32(-1), bits)
		t.BZHIL(n.(reg.GPVirtual).As32(), bits, bits)
		t.KMOVW(bits, k)
		return k
	}
	// Sixteen ones, then as many zeros: where one begins to read says how many ones there are.
	table := t.table("firstLanes", append(slices.Repeat([]uint64{math.MaxUint64}, block/2), make([]uint64, block/2)...))
	from, back, k := t.GP64(), t.GP64(), t.vec()
	t.LEAQ(table.Offset(4*block), from)
	t.MOVQ(n, back)
	t.NEGQ(back)
	t.VMOVUPS(operand.Mem{Base: from, Index: back, Scale: 4, Disp: 4 * first}, k)
	return k
}
