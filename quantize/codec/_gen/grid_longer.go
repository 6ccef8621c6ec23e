package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// longer searches lists of three parts and more, whose lines are in memory. length is as in one.
func (s *linesSearch) longer(label, exact string, length reg.GPVirtual) {
	t := s.tier
	scratch, p, left := t.GP64(), t.GP64(), t.GP64()
	each, more := t.AllocLocal(8), t.AllocLocal(8) // how many points a part has, and how many lanes the parts have that have one more
	t.Label(label)
	if length != nil {
		var shares []uint32
		for n := range uint32(64) {
			parts := max(1, (n+uint32(t.lanes)-1)/uint32(t.lanes))
			shares = append(shares, n/parts, n%parts*uint32(t.lanes))
		}
		table, share := t.GP64(), t.GP64()
		t.LEAQ(t.table("gridShares"+t.name, shares...), table)
		t.MOVL(operand.Mem{Base: table, Index: length, Scale: 8}, share.As32())
		t.MOVL(share.As32(), each)
		t.MOVL(operand.Mem{Base: table, Index: length, Scale: 8, Disp: 4}, share.As32())
		t.MOVL(share.As32(), more)
	}
	t.MOVQ(t.parameter("scratch"), scratch)
	t.MOVQ(s.place, p)
	t.MOVL(s.parts.As32(), left.As32())
	t.loop(left, func() {
		a, b := s.line(p)
		t.store(a, at(scratch, 0))
		t.store(b, at(scratch, t.width()))
		t.advance(p, t.width())
		t.advance(scratch, 3*t.width())
	})
	again := t.label("again")
	t.Label(again)
	t.MOVQ(t.parameter("scratch"), scratch)
	t.MOVL(s.parts.As32(), left.As32())
	best := t.bits(math.Float32bits(math.MaxFloat32))
	t.loop(left, func() {
		e := s.errors(t.load(at(scratch, 0)), at(scratch, t.width()))
		t.store(e, at(scratch, 2*t.width()))
		t.VPMINUD(e, best, best)
		t.advance(scratch, 3*t.width())
	})
	limit := s.limit(best)
	t.MOVQ(t.parameter("scratch"), scratch)
	t.MOVL(s.parts.As32(), left.As32())
	first, count, number := t.GP64(), t.GP64(), t.GP64()
	for _, r := range []reg.GPVirtual{first, count, number} {
		t.XORL(r.As32(), r.As32())
	}
	t.loop(left, func() {
		bits, n := s.among(at(scratch, 2*t.width()), limit), s.point
		if length != nil {
			t.MOVL(each, n.As32())
			t.CMPL(first.As32(), more)
			t.ADCL(operand.Imm(0), n.As32())
			t.BZHIL(n.As32(), bits.As32(), bits.As32())
		}
		t.POPCNTL(bits.As32(), n.As32())
		t.ADDL(n.As32(), count.As32())
		t.TZCNTL(bits.As32(), n.As32())
		t.LEAL(operand.Mem{Base: n, Index: first, Scale: 1}, n.As32())
		t.TESTL(bits.As32(), bits.As32())
		t.CMOVLNE(n.As32(), number.As32())
		t.advance(first, t.lanes)
		t.advance(scratch, 3*t.width())
	})
	t.CMPL(count.As32(), operand.Imm(1))
	t.JNE(operand.LabelRef(exact))
	s.takePoint(number)
	s.next(again)
}

// exactly computes the errors of a list as they are defined, and goes on with the next try.
func (s *linesSearch) exactly(label string) {
	t := s.tier
	p, left := t.GP64(), t.GP64()
	t.Label(label)
	best, current, part, one := t.bits(math.Float32bits(math.MaxFloat32)), t.bits(0), t.bits(0), t.constant(1)
	s.cost(t.spread(at(s.scale, 0)))
	t.MOVQ(s.place, p)
	t.MOVL(s.parts.As32(), left.As32())
	t.loop(left, func() {
		s.takeLess(s.sum(p), best, current, part)
		t.VPADDD(one, current, current)
		t.advance(p, t.width())
	})
	lane := s.first(best)
	t.VMOVUPS(part, s.memory)
	t.MOVL(s.memory.Idx(lane, 4), p.As32())
	t.SHLL(operand.Imm(uint64(log2(t.lanes))), p.As32())
	t.ADDL(p.As32(), lane.As32())
	s.takePoint(lane)
	s.next(s.try)
}
