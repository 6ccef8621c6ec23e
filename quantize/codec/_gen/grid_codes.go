package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The search of the grid formats for a sub-block in each lane. The lattice and grid points of try t and group k are row
// 32*k+t of words, one a lane.
const gridRows = 32

// rowWidth is the size of a row of words.
func (t *tier) rowWidth() int { return 2 * t.lanes }

// gridCodes writes the rounding to the lattice.
func gridCodes(t *tier, dims, levels int) {
	t.function(fmt.Sprintf("gridCodes%d", dims), "(codes *uint16, scales, x, most, factors *float32, groups, tries int)",
		"sets codes to the lattice points of x with the inverse scales factors/most of the tries, and scales, a vector for each try, to their inverses.")
	codes, scales, x := t.pointer("codes"), t.pointer("scales"), t.pointer("x")
	factors, groups, most := t.pointer("factors"), t.pointer("groups"), t.load(at(t.pointer("most"), 0))
	one, bias, zero := t.float(1), t.float(2*stepBias), t.constant(0)
	top, base := t.float(float32(2*levels-2)), t.float(float32(levels))
	t.loop(t.pointer("tries"), func() {
		inverse := t.div(t.spread(at(factors, 0)), most)
		t.store(t.div(one, inverse), at(scales, 0))
		x, row := t.copyOf(x), t.copyOf(codes)
		t.loop(t.copyOf(groups), func() {
			// Twice the code, from digits that are twice the levels, integers that float32 holds: twice a level is
			// inverse*x-1 rounded to an even number.
			var code reg.VecVirtual
			for k := dims - 1; k >= 0; k-- {
				level := t.sub(t.mul(inverse, at(x, k*t.width())), one)
				level = t.sub(t.add(level, bias), bias)
				level = t.min(t.max(level, zero), top)
				if code == nil {
					code = level
				} else {
					t.VFMADD132PS(base, level, code)
				}
			}
			t.VCVTPS2DQ(code, code)
			t.VPSRLD(operand.Imm(1), code, code)
			t.storeWords(code, at(row, 0))
			t.advance(x, dims*t.width())
			t.advance(row, gridRows*t.rowWidth())
		})
		t.advance(factors, 4)
		t.advance(scales, t.width())
		t.advance(codes, t.rowWidth())
	})
	t.end()
}

// storeWords stores lanes as words.
func (t *tier) storeWords(v reg.VecVirtual, m operand.Mem) {
	if t.wide() {
		t.VPMOVDW(v, m)
		return
	}
	t.VPACKUSDW(v, v, v)
	t.VPERMQ(operand.Imm(0x08), v, v)
	t.VMOVDQU(v.AsX(), m)
}

// gridSums writes the sums over the points of all tries, and the choice of the best.
func gridSums(t *tier, dims int) {
	t.function(fmt.Sprintf("gridSums%d", dims), "(scale, best *float32, taken *uint32, x, w *float32, points *uint16, groups, tries int)",
		"takes the scale of each try whose points correlate better than best, and its number. A point is its levels, with as many bits as there are for each.")
	x, w, points := t.pointer("x"), t.pointer("w"), t.pointer("points")
	groups := t.pointer("groups")
	places := []reg.Register{t.pointer("scale"), t.pointer("best"), t.pointer("taken")}
	scale, best, taken := t.load(at(places[0], 0)), t.load(at(places[1], 0)), t.load(at(places[2], 0))
	number := t.bits(0)
	values := t.load(t.oddValues(dims))
	t.loop(t.pointer("tries"), func() {
		qx, q2 := t.bits(0), t.bits(0)
		x, w, row := t.copyOf(x), t.copyOf(w), t.copyOf(points)
		t.loop(t.copyOf(groups), func() {
			point := t.vec()
			t.VPMOVZXWD(at(row, 0), point)
			for k := range dims {
				level := point
				if k > 0 {
					level = t.vec()
					t.VPSRLD(operand.Imm(uint64(16/dims*k)), point, level)
				}
				var q reg.VecVirtual
				if dims == 4 {
					q = t.do(t.VPERMPS, level, values)
				} else {
					q = t.do(t.VPERMILPS, values, level) // by the lowest 2 bits
				}
				weight := t.load(at(w, k*t.width()))
				t.sum(qx, t.mul(t.mul(weight, at(x, k*t.width())), q))
				t.sum(q2, t.mul(t.mul(weight, q), q))
			}
			t.advance(x, dims*t.width())
			t.advance(w, dims*t.width())
			t.advance(row, gridRows*t.rowWidth())
		})
		better := t.both(t.compare(q2, greater, t.constant(0)), t.compare(t.mul(qx, qx), greater, t.mul(best, q2)))
		s := t.div(qx, q2)
		t.set(scale, t.choose(better, s, scale))
		t.set(best, t.choose(better, t.mul(s, qx), best))
		t.set(taken, t.choose(better, number, taken))
		t.VPADDD(t.constant(1), number, number)
		t.advance(points, t.rowWidth())
	})
	for i, v := range []reg.VecVirtual{scale, best, taken} {
		t.store(v, at(places[i], 0))
	}
	t.end()
}

// far is the fourth level's value where there are three.
const far = 1 << 40

// oddValues are the values of levels: 3 of them in every four lanes, or 8 in every eight.
func (t *tier) oddValues(dims int) operand.Mem {
	if dims == 8 {
		return t.table("oddValues3", floats(1, 3, 5, far, 1, 3, 5, far, 1, 3, 5, far, 1, 3, 5, far)...)
	}
	return t.table("oddValues8", floats(1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15)...)
}

// gather loads the elements of table with these numbers.
func (t *tier) gather(table reg.Register, n reg.VecVirtual) reg.VecVirtual {
	d := t.vec()
	m := operand.Mem{Base: table, Index: n, Scale: 4}
	if t.wide() {
		k := t.K()
		t.VPCMPEQD(n, n, k)
		t.VPGATHERDD(m, k, d)
		return d
	}
	all := t.vec()
	t.VPCMPEQD(all, all, all)
	t.VPGATHERDD(all, m, d)
	return d
}
