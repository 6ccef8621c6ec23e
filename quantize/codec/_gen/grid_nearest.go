package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gridNearest writes the search for the grid points of all tries, sub-block by sub-block and group by group.
//
// The points near a lattice point are a list, in parts for the lanes of a vector. Each lane has a piece of the list, so that
// of points with the same error the first one of the first lane is that of the list (see gridTables). A point is 32 bits, 4
// for each level, by which the level's cost is found in a register that has those of 1, 2 or 4 dimensions.
//
// Levels of IQ1 have one of two series of values, and weights are those of elements, not roots of them.
func gridNearest(t *tier, dims int, iq1 bool) {
	name := fmt.Sprintf("gridNearest%d", dims)
	if iq1 {
		name = "iq1Nearest"
	}
	t.function(name, "(found, codes *uint16, scales, x, roots *float32, wanted *uint16, tries int, lookup, lists *uint32, points *uint16)",
		`sets found to the points on the lists of codes with the least errors,
for all sub-blocks, which x and roots have behind each other. wanted has for each of them a bit for every group that is
searched, and a higher one; from bit 12 on, in IQ1, a bit for each group whose shift is minus.`)
	s := &nearestSearch{tier: t, dims: dims, iq1: iq1}
	s.write()
}

type nearestSearch struct {
	*tier
	dims int
	iq1  bool

	x, w   []vec // each element as often as there are levels
	costs  []reg.VecVirtual
	values vec
	huge   vec

	lookup, lists, points reg.Register

	memory operand.Mem // a vector
	later  []func()    // what is written behind the function's end
}

func (s *nearestSearch) write() {
	t := s.tier
	x, wanted := t.pointer("x"), t.pointer("wanted")
	s.lookup, s.lists, s.points = t.pointer("lookup"), t.pointer("lists"), t.pointer("points")
	// What lies at another place than x and the codes by as much.
	roots, index := t.pointer("roots"), t.pointer("found")
	t.SUBQ(x, roots)
	s.constants()
	s.allocate()

	// Loops over sub-blocks, groups and tries; what only the outer ones need is in memory.
	local := func() operand.Mem { return t.AllocLocal(8) }
	codesOfLane, codesOfGroup, scalesOfLane, scalesEnd, lanesEnd := local(), local(), local(), local(), local()
	code, scale := t.pointer("codes"), t.pointer("scales")
	t.SUBQ(code, index)
	t.MOVQ(code, codesOfLane)
	t.MOVQ(scale, scalesOfLane)
	tries := t.pointer("tries")
	t.SHLQ(operand.Imm(uint64(log2(4*t.lanes))), tries)
	t.ADDQ(scale, tries)
	t.MOVQ(tries, scalesEnd)
	end := t.GP64()
	t.LEAQ(operand.Mem{Base: wanted, Disp: 2 * t.lanes}, end)
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
	t.advance(code, 2*t.lanes)
	t.advance(scale, 4*t.lanes)
	t.CMPQ(scale, scalesEnd)
	t.JB(operand.LabelRef(try))
	t.Label(nextGroup)
	t.advance(x, 4*s.dims)
	t.ADDQ(operand.I32(gridRows*2*t.lanes), codesOfGroup)
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
func (s *nearestSearch) find(code, scale, found operand.Mem, entry reg.GPVirtual) {
	t := s.tier
	several, reduced, store := t.label("several"), t.label("reduced"), t.label("store")
	t.MOVWQZX(code, entry)
	t.MOVL(operand.Mem{Base: s.lookup, Index: entry, Scale: 4}, entry.As32())
	t.TESTL(entry.As32(), entry.As32())
	t.JLT(operand.LabelRef(store))
	parts, place := t.GP64(), t.GP64()
	t.MOVL(entry.As32(), parts.As32())
	t.SHRL(operand.Imm(6), parts.As32())
	t.ANDL(operand.Imm(63), parts.As32())
	t.SHRL(operand.Imm(12), entry.As32())
	t.MOVL(entry.As32(), place.As32())
	t.SHLQ(operand.Imm(uint64(log2(t.width()))), place)
	t.ADDQ(s.lists, place)
	s.cost(t.spread(scale))
	best := s.sum(place)
	t.VPMINUD(s.huge, best, best) // what is not finite, or NaN, is as the largest number
	t.DECL(parts.As32())
	t.JNE(operand.LabelRef(several))
	lane := t.first(best)
	t.Label(reduced)
	// It is point number lane of a part, the first one if there are not several.
	t.ADDQ(parts, entry)
	t.SHLQ(operand.Imm(uint64(log2(t.lanes))), entry)
	t.ADDQ(lane, entry)
	t.MOVWQZX(operand.Mem{Base: s.points, Index: entry, Scale: 2}, entry)
	t.Label(store)
	t.MOVW(entry.As16(), found)
	s.later = append(s.later, func() {
		t.Label(several)
		part, current, one := t.bits(0), t.bits(0), t.constant(1)
		more := t.label("more")
		t.Label(more)
		t.advance(place, t.width())
		t.VPADDD(one, current, current)
		s.takeLess(s.sum(place), best, current, part)
		t.DECL(parts.As32())
		t.JNE(operand.LabelRef(more))
		t.MOVQ(t.first(best), lane)
		t.VMOVUPS(part, s.memory)
		t.MOVL(s.memory.Idx(lane, 4), parts.As32())
		t.JMP(operand.LabelRef(reduced))
	})
}
