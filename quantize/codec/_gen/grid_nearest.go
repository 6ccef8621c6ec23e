package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gridNearest writes the search for the grid points of all tries, sub-block by sub-block and group by group.
//
// The points near a lattice point are a list for vectors of 8 or 16 lanes. Each lane has a piece of the list, so that of
// points with the same error the first one of the first lane is that of the list. A point is 32 bits, 4 for each
// level, by which the level's cost is found in a register that has those of 1, 2 or 4 dimensions.
//
// Lists of grids with 4 dimensions are short: vectors of 8 lanes are faster then, and columns says how many lanes the
// other functions have.
//
// Levels of IQ1 have one of two series of values, and weights are those of elements, not roots of them.
func gridNearest(t *tier, dims, columns int, iq1 bool) {
	name := fmt.Sprintf("gridNearest%dof%d", dims, columns)
	if iq1 {
		name = "iq1Nearest"
	}
	t.function(name, "(index, codes *uint16, scales, x, roots *float32, wanted *uint16, tries int, lookup *int32, lists *uint32, numbers *uint16)",
		`sets index to the grid points for codes, or to those on their lists with the least errors, and the highest bit,
for all sub-blocks, which x and roots have behind each other. wanted has for each of them a bit for every group that is
searched, and a higher one; from bit 12 on, in IQ1, a bit for each group whose shift is minus.`)
	s := &nearestSearch{tier: t, dims: dims, columns: columns, iq1: iq1}
	s.write()
}

type nearestSearch struct {
	*tier
	dims, columns int
	iq1           bool

	x, w   []vec // each element as often as there are levels
	costs  []reg.VecVirtual
	values vec
	huge   vec

	lookup, lists, numbers reg.Register

	parts operand.Mem // a vector
	later []func()    // what is written behind the function's end
}

func (s *nearestSearch) write() {
	t := s.tier
	x, wanted := t.pointer("x"), t.pointer("wanted")
	s.lookup, s.lists, s.numbers = t.pointer("lookup"), t.pointer("lists"), t.pointer("numbers")
	// What lies at another place than x and the codes by as much.
	roots, index := t.pointer("roots"), t.pointer("index")
	t.SUBQ(x, roots)
	s.values = t.load(t.table("oddValues", floats(1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15)...))
	if s.iq1 {
		s.values = s.room()
	} else if s.dims == 8 {
		s.values = t.load(t.table("oddValues3", floats(1, 3, 5, 5, 1, 3, 5, 5, 1, 3, 5, 5, 1, 3, 5, 5)...))
	}
	s.huge = t.constant(math.Float32bits(math.MaxFloat32))
	s.allocate()

	// Loops over sub-blocks, groups and tries; what only the outer ones need is in memory.
	local := func() operand.Mem { return t.AllocLocal(8) }
	codesOfLane, codesOfGroup, scalesOfLane, scalesEnd, lanesEnd := local(), local(), local(), local(), local()
	code, scale := t.pointer("codes"), t.pointer("scales")
	t.SUBQ(code, index)
	t.MOVQ(code, codesOfLane)
	t.MOVQ(scale, scalesOfLane)
	tries := t.pointer("tries")
	t.SHLQ(operand.Imm(uint64(log2(4*s.columns))), tries)
	t.ADDQ(scale, tries)
	t.MOVQ(tries, scalesEnd)
	end := t.GP64()
	t.LEAQ(operand.Mem{Base: wanted, Disp: 2 * s.columns}, end)
	t.MOVQ(end, lanesEnd)

	lane, group, nextGroup, try := t.label("lane"), t.label("group"), t.label("next"), t.label("try")
	bits, entry := t.GP64(), t.GP64()
	t.Label(lane)
	t.MOVWQZX(at(wanted, 0), bits)
	t.MOVQ(codesOfLane, entry)
	t.MOVQ(entry, codesOfGroup)
	t.Label(group)
	t.BTL(operand.Imm(0), bits.As32())
	t.JCC(operand.LabelRef(nextGroup))
	if s.iq1 {
		s.choose(bits)
	}
	s.prepare(x, roots)
	t.MOVQ(codesOfGroup, code)
	t.MOVQ(scalesOfLane, scale)
	t.Label(try)
	s.find(at(code, 0), at(scale, 0), operand.Mem{Base: code, Index: index, Scale: 1}, entry)
	t.advance(code, 2*s.columns)
	t.advance(scale, 4*s.columns)
	t.CMPQ(scale, scalesEnd)
	t.JB(operand.LabelRef(try))
	t.Label(nextGroup)
	t.advance(x, 4*s.dims)
	t.ADDQ(operand.I32(gridRows*2*s.columns), codesOfGroup)
	t.SHRL(operand.Imm(1), bits.As32())
	t.CMPB(bits.As8(), operand.Imm(1))
	t.JNE(operand.LabelRef(group))
	t.ADDQ(operand.Imm(2), codesOfLane)
	t.ADDQ(operand.Imm(4), scalesOfLane)
	t.ADDQ(operand.Imm(4), scalesEnd)
	t.advance(wanted, 2)
	t.CMPQ(wanted, lanesEnd)
	t.JB(operand.LabelRef(lane))
	t.end()
	for _, write := range s.later {
		write()
	}
}

// find looks one point up.
func (s *nearestSearch) find(code, scale, index operand.Mem, entry reg.GPVirtual) {
	t := s.tier
	store, several, reduced := t.label("store"), t.label("several"), t.label("reduced")
	t.MOVWQZX(code, entry)
	t.MOVL(operand.Mem{Base: s.lookup, Index: entry, Scale: 4}, entry.As32())
	t.TESTL(entry.As32(), entry.As32())
	t.JGE(operand.LabelRef(store))
	// Off the grid: the complement has the number of parts in 6 bits, and above them the list's place in parts.
	t.NOTL(entry.As32())
	parts, place := t.GP64(), t.GP64()
	t.MOVL(entry.As32(), parts.As32())
	t.ANDL(operand.Imm(63), parts.As32())
	t.SHRL(operand.Imm(6), entry.As32())
	t.MOVL(entry.As32(), place.As32())
	t.SHLQ(operand.Imm(uint64(log2(t.width()))), place)
	t.ADDQ(s.lists, place)
	s.cost(t.spread(scale))
	best := s.sum(place)
	t.VPMINUD(s.huge, best, best) // what is not finite, or NaN, is as the largest number
	t.DECL(parts.As32())
	t.JNE(operand.LabelRef(several))
	lane := s.first(best)
	t.Label(reduced)
	// It is point number lane of a part, the first one if there are not several.
	t.ADDQ(parts, entry)
	t.SHLQ(operand.Imm(uint64(log2(t.lanes))), entry)
	t.ADDQ(lane, entry)
	t.MOVWQZX(operand.Mem{Base: s.numbers, Index: entry, Scale: 2}, entry)
	t.ORL(operand.U32(0x8000), entry.As32())
	t.Label(store)
	t.MOVW(entry.As16(), index)
	s.later = append(s.later, func() {
		t.Label(several)
		part, current, one := t.bits(0), t.bits(0), t.constant(1)
		more := t.label("more")
		t.Label(more)
		t.advance(place, t.width())
		t.VPADDD(one, current, current)
		s.take(s.sum(place), best, current, part)
		t.DECL(parts.As32())
		t.JNE(operand.LabelRef(more))
		t.MOVQ(s.first(best), lane)
		t.VMOVUPS(part, s.parts)
		t.MOVL(s.parts.Idx(lane, 4), parts.As32())
		t.JMP(operand.LabelRef(reduced))
	})
}

// allocate makes room for x and the roots of weights: registers in AVX-512, which has many, else memory.
func (s *nearestSearch) allocate() {
	t := s.tier
	n := 4
	if t.wide() && s.dims == 8 {
		n = 2
	}
	for range n {
		s.x, s.w = append(s.x, s.room()), append(s.w, s.room())
	}
	s.parts = t.AllocLocal(t.width())
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
			values = append(values, floats(v[0], v[1], v[2], 0)...)
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
		t.VMOVUPS(s.spread(operand.Mem{Base: x, Disp: 4 * n * i}), s.x[i])
		t.VMOVUPS(t.and(s.spread(operand.Mem{Base: x, Index: roots, Scale: 1, Disp: 4 * n * i}), magnitude), s.w[i])
	}
}

// spread has each element at m as often as there are levels.
func (s *nearestSearch) spread(m operand.Mem) reg.VecVirtual {
	t := s.tier
	d := t.vec()
	switch {
	case s.dims == 4:
		t.VBROADCASTSS(m, d)
		return d
	case t.wide():
		t.VBROADCASTF32X4(m, d)
	default:
		t.VBROADCASTSD(m, d)
	}
	t.VPERMPS(d, t.load(t.table("gridSpread", 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)), d)
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

// take puts what is less than best into it, and the part it is of.
func (s *nearestSearch) take(d, best, current, part reg.VecVirtual) {
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

// first is the number of the first lane with the least value.
func (s *nearestSearch) first(v reg.VecVirtual) reg.GPVirtual {
	t := s.tier
	least, other := v, t.vec()
	min := func() {
		m := t.vec()
		t.VPMINUD(other, least, m)
		least = m
	}
	if t.wide() {
		t.VSHUFF64X2(operand.Imm(0x4e), least, least, other)
		min()
		t.VSHUFF64X2(operand.Imm(0xb1), least, least, other)
	} else {
		t.VPERM2F128(operand.Imm(1), least, least, other)
	}
	min()
	for _, order := range []uint64{0x4e, 0xb1} {
		t.VPSHUFD(operand.Imm(order), least, other)
		min()
	}
	r := t.GP64()
	if t.wide() {
		k := t.K()
		t.VPCMPEQD(least, v, k)
		t.KMOVW(k, r.As32())
	} else {
		t.VPCMPEQD(least, v, other)
		t.VMOVMSKPS(other, r.As32())
	}
	t.TZCNTL(r.As32(), r.As32())
	return r
}
