package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// find looks up the points of tries, beginning with one whose code is new. Branches are few, as they cannot be predicted.
func (s *linesSearch) find() {
	t := s.tier
	off, on, rare, several, exact := t.label("off"), t.label("on"), t.label("rare"), t.label("several"), t.label("exact")
	t.MOVWQZX(at(s.code, 0), s.current)
	t.MOVL(operand.Mem{Base: t.pointer("lookup"), Index: s.current, Scale: 4}, s.found.As32())
	t.TESTL(s.found.As32(), s.found.As32())
	t.JGE(operand.LabelRef(off))
	t.MOVL(s.found.As32(), s.point.As32())
	t.Label(on)
	s.next(on)
	t.Label(off)
	t.MOVL(s.found.As32(), s.parts.As32())
	t.SHRL(operand.Imm(6), s.parts.As32())
	t.ANDL(operand.Imm(63), s.parts.As32())
	var length reg.GPVirtual // in points
	if s.dims == 4 {
		length = t.GP64()
		t.MOVL(s.found.As32(), length.As32())
		t.ANDL(operand.Imm(63), length.As32())
	}
	t.SHRL(operand.Imm(12), s.found.As32())
	t.MOVL(s.found.As32(), s.place.As32())
	t.SHLQ(operand.Imm(uint64(log2(t.width()))), s.place)
	t.ADDQ(t.parameter("lists"), s.place)
	t.SHLQ(operand.Imm(uint64(log2(2*t.lanes))), s.found)
	t.ADDQ(t.parameter("points"), s.found)
	t.CMPL(s.parts.As32(), operand.Imm(2))
	if s.dims == 4 && !t.wide() { // always two or more
		t.JA(operand.LabelRef(several))
		s.pair(rare, exact, length)
	} else {
		t.JEQ(operand.LabelRef(rare))
		t.JA(operand.LabelRef(several))
		s.one(exact, length)
		s.pair(rare, exact, length)
	}
	s.longer(several, exact, length)
	s.exactly(exact)
}

// one searches lists of one part. length, if not nil, is the number of points: what is behind them does not count.
func (s *linesSearch) one(exact string, length reg.GPVirtual) {
	t := s.tier
	a, b := s.line(s.place)
	again := t.label("again")
	t.Label(again)
	e := s.errors(a, b)
	bits := s.among(e, s.limit(e))
	if length != nil {
		t.BZHIL(length.As32(), bits.As32(), bits.As32())
	}
	s.single(exact, bits)
	s.next(again)
}

// pair searches lists of two parts. The first has the points of even numbers.
func (s *linesSearch) pair(label, exact string, length reg.GPVirtual) {
	t := s.tier
	t.Label(label)
	a, b := s.line(s.place)
	t.advance(s.place, t.width())
	c, d := s.line(s.place)
	t.SUBQ(operand.Imm(uint64(t.width())), s.place)
	second := t.GP64()
	if length != nil {
		t.MOVL(length.As32(), second.As32())
		t.SHRL(operand.Imm(1), second.As32())
		t.SUBL(second.As32(), length.As32())
	}
	again := t.label("again")
	t.Label(again)
	e, f := s.errors(a, b), s.errors(c, d)
	limit := s.limit(t.do(t.VPMINUD, e, f))
	low, high := s.among(e, limit), s.among(f, limit)
	if length != nil {
		t.BZHIL(length.As32(), low.As32(), low.As32())
		t.BZHIL(second.As32(), high.As32(), high.As32())
	}
	t.SHLL(operand.Imm(uint64(t.lanes)), high.As32())
	t.ORL(low.As32(), high.As32())
	s.single(exact, high)
	s.next(again)
}

// parameter is where a parameter lies.
func (t *tier) parameter(name string) operand.Mem {
	p, err := t.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// next stores the point of a try and goes on: at same, while the code stays as it is.
func (s *linesSearch) next(same string) {
	t := s.tier
	t.MOVW(s.point.As16(), operand.Mem{Base: s.code, Index: s.index, Scale: 1})
	t.advance(s.code, 2*t.lanes)
	t.advance(s.scale, 4*t.lanes)
	t.CMPQ(s.scale, s.end)
	t.JAE(operand.LabelRef(s.done))
	t.CMPW(s.current.As16(), at(s.code, 0))
	t.JEQ(operand.LabelRef(same))
	t.JMP(operand.LabelRef(s.try))
}

// line is A and B of the points at p.
func (s *linesSearch) line(p reg.Register) (a, b reg.VecVirtual) {
	t := s.tier
	point := t.load(at(p, 0))
	per := s.dims / len(s.a)
	for k := range s.dims {
		level := point
		if k > 0 {
			level = t.vec()
			t.VPSRLD(operand.Imm(uint64(4*k)), point, level)
		}
		da, db := t.do(t.VPERMPS, level, s.a[k/per]), t.do(t.VPERMPS, level, s.b[k/per])
		if k == 0 {
			a, b = da, db
		} else {
			t.sum(a, da)
			t.sum(b, db)
		}
	}
	return a, b
}

// errors is sA+B, s being the try's scale.
func (s *linesSearch) errors(a, b vec) reg.VecVirtual {
	e := s.spread(at(s.scale, 0))
	s.VFMADD213PS(b, a, e)
	return e
}

// limit is the least of e and the margin.
func (s *linesSearch) limit(e reg.VecVirtual) reg.VecVirtual { return s.add(s.least(e), s.margin) }

// among has a bit for each lane of e that is not above limit.
func (s *linesSearch) among(e vec, limit reg.VecVirtual) reg.GPVirtual {
	t := s.tier
	m, r := t.compare(limit, notLess, e), t.GP64()
	if t.wide() {
		t.KMOVW(m, r.As32())
	} else {
		t.VMOVMSKPS(m, r.As32())
	}
	return r
}

// single takes the point whose bit is the only one, or goes to other.
func (s *linesSearch) single(other string, bits reg.GPVirtual) {
	t := s.tier
	t.BLSRL(bits.As32(), s.point.As32())
	t.JNE(operand.LabelRef(other))
	t.TZCNTL(bits.As32(), bits.As32())
	s.takePoint(bits)
}

// takePoint takes the point with this number on the list.
func (s *linesSearch) takePoint(number reg.GPVirtual) {
	s.MOVWQZX(operand.Mem{Base: s.found, Index: number, Scale: 2}, s.point)
}
