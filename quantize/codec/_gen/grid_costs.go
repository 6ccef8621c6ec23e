package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// constants sets values and huge.
func (s *nearestSearch) constants() {
	t := s.tier
	values := t.oddValues(s.dims)
	switch {
	case s.iq1:
		s.values = s.room()
	case t.wide():
		s.values = t.load(values)
	default:
		s.values = values
	}
	s.huge = t.constant(math.Float32bits(math.MaxFloat32))
}

// allocate makes room for x and the roots of weights: registers in AVX-512, which has many, else memory.
func (s *nearestSearch) allocate() {
	t := s.tier
	n := 4
	if t.wide() {
		n = 2
	}
	for range n {
		s.x, s.w = append(s.x, s.room()), append(s.w, s.room())
	}
	s.memory = t.AllocLocal(t.width())
}

func (s *nearestSearch) room() vec {
	if s.wide() {
		return s.vec()
	}
	return s.AllocLocal(s.width())
}

// choose takes the values of a group's shift.
func (s *nearestSearch) choose(bits reg.GPVirtual) {
	t := s.tier
	var values []uint32
	for _, v := range iq1Values {
		for range 4 {
			values = append(values, floats(v[0], v[1], v[2], far)...)
		}
	}
	shift, table := t.GP64(), t.GP64()
	t.MOVL(bits.As32(), shift.As32())
	t.SHRL(operand.Imm(12), shift.As32())
	t.ANDL(operand.Imm(1), shift.As32())
	t.SHLL(operand.Imm(6), shift.As32())
	t.LEAQ(t.table("iq1Levels", values...), table)
	t.VMOVUPS(t.load(operand.Mem{Base: table, Index: shift, Scale: 1}), s.values)
}

// prepare lays x and the roots of weights out, which lie roots bytes behind it.
func (s *nearestSearch) prepare(x, roots reg.Register) {
	t := s.tier
	magnitude := t.constant(1<<31 - 1)
	for i := range s.x {
		n := s.dims / len(s.x) // elements in a register
		t.VMOVUPS(s.elements(operand.Mem{Base: x, Disp: 4 * n * i}), s.x[i])
		t.VMOVUPS(t.and(s.elements(operand.Mem{Base: x, Index: roots, Scale: 1, Disp: 4 * n * i}), magnitude), s.w[i])
	}
}

// elements has each element at m as often as there are levels.
func (s *nearestSearch) elements(m operand.Mem) reg.VecVirtual {
	t := s.tier
	d := t.vec()
	order := t.table("gridSpread4", 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
	switch {
	case s.dims == 4 && t.wide():
		t.VBROADCASTSD(m, d)
		order = t.table("gridSpread8", 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)
	case s.dims == 4:
		t.VBROADCASTSS(m, d)
		return d
	case t.wide():
		t.VBROADCASTF32X4(m, d)
	default:
		t.VBROADCASTSD(m, d)
	}
	t.VPERMPS(d, t.load(order), d)
	return d
}

// cost makes the costs of all levels at a scale.
func (s *nearestSearch) cost(scale reg.VecVirtual) {
	t := s.tier
	values := t.mul(scale, s.values)
	s.costs = nil
	for i, x := range s.x {
		diff := t.sub(values, x)
		s.costs = append(s.costs, t.mul(t.mul(diff, s.w[i]), diff))
	}
}

// sum is the error of the points at p.
func (s *nearestSearch) sum(p reg.Register) reg.VecVirtual {
	t := s.tier
	point := t.load(at(p, 0))
	var d reg.VecVirtual
	per := s.dims / len(s.costs)
	for k := range s.dims {
		level := point
		if k > 0 {
			level = t.vec()
			t.VPSRLD(operand.Imm(uint64(4*k)), point, level)
		}
		c := t.do(t.VPERMPS, level, s.costs[k/per])
		if d == nil {
			d = c
		} else {
			t.sum(d, c)
		}
	}
	return d
}

// takeLess puts what is less than best into it, and the part it is of.
func (s *nearestSearch) takeLess(d, best, current, part reg.VecVirtual) {
	t := s.tier
	if t.wide() {
		k := t.K()
		t.VPCMPUD(operand.Imm(1), best, d, k)
		t.VMOVDQA32(current, k, part)
	} else {
		t.set(part, t.choose(t.compare(d, less, best), current, part))
	}
	t.VPMINUD(d, best, best)
}

// least is the least lane, as unsigned integers, in all lanes.
func (t *tier) least(v reg.VecVirtual) reg.VecVirtual {
	join := func(shuffle func(d reg.VecVirtual)) {
		d := t.vec()
		shuffle(d)
		v = t.do(t.VPMINUD, v, d)
	}
	if t.wide() {
		join(func(d reg.VecVirtual) { t.VSHUFF64X2(operand.Imm(0x4e), v, v, d) })
		join(func(d reg.VecVirtual) { t.VSHUFF64X2(operand.Imm(0xb1), v, v, d) })
	} else {
		join(func(d reg.VecVirtual) { t.VPERM2F128(operand.Imm(1), v, v, d) })
	}
	join(func(d reg.VecVirtual) { t.VPSHUFD(operand.Imm(0x4e), v, d) })
	join(func(d reg.VecVirtual) { t.VPSHUFD(operand.Imm(0xb1), v, d) })
	return v
}

// first is the number of the first lane with the least value.
func (t *tier) first(v reg.VecVirtual) reg.GPVirtual {
	least, r := t.least(v), t.GP64()
	if t.wide() {
		k := t.K()
		t.VPCMPEQD(least, v, k)
		t.KMOVW(k, r.As32())
	} else {
		t.VMOVMSKPS(t.do(t.VPCMPEQD, least, v), r.As32())
	}
	t.TZCNTL(r.As32(), r.As32())
	return r
}
