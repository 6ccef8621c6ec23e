package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// iq1 writes the search of IQ1_S and IQ1_M, a sub-block of 32 or 16 elements in each lane: its elements are sorted, and
// all splits of them into three levels are tried with each choice of shifts.
func iq1(t *tier) {
	t.function("iq1Sort32", "(places *uint32, most, sortedX, sortedW, x, w *float32)",
		"sets sortedX to w*x and sortedW to w in the order of 32 x, equal ones in their order, places to where each went, and most to the largest magnitude and, a vector further, the largest weight.")
	t.iq1Sort(32)
	t.function("iq1Sort16", "(places *uint32, most, sortedX, sortedW, second, x, w *float32)",
		"sets sortedX to x, sortedW to w and second to ones for the second 8, in the order of 16 x, equal ones in their order, places to where each went, and most to the largest magnitude and, a vector further, the largest weight.")
	t.iq1Sort(16)
	t.splitIQ1S()
	t.splitIQ1M()
	t.iq1Codes()
	t.iq1Sums()
}

// The values of levels 0, 1 and 2 with the shifts +1/8 and -1/8.
var iq1Values = [2][3]float32{{-0.875, 0.125, 1.125}, {-1.125, -0.125, 0.875}}

// iq1Codes writes the rounding to the lattice by a split.
func (t *tier) iq1Codes() {
	t.function("iq1Codes", "(codes *uint16, scale *float32, split *int32, places *uint32, groups int)",
		"sets codes of so many groups of 8 to the levels of a split by the places of elements. A scale less than 0 loses its sign, and its levels change to 2 minus themselves.")
	codes, places, scales := t.pointer("codes"), t.pointer("places"), t.pointer("scale")
	scale, split := t.load(at(scales, 0)), t.load(at(t.pointer("split"), 0))
	negative := t.compare(scale, less, t.constant(0))
	t.store(t.xor(scale, t.where(negative, t.constant(1<<31))), at(scales, 0))
	// An element's level is 2 minus the number of borders behind it.
	positive := t.bits(math.MaxUint32)
	t.set(positive, t.choose(negative, t.zero(), positive))
	three := t.and(positive, t.constant(3))
	first, second := t.vec(), t.vec()
	t.VPSRLD(operand.Imm(8), split, second)
	t.VANDPS(t.constant(0xff), split, first)
	t.VANDPS(t.constant(0xff), second, second)
	t.loop(t.pointer("groups"), func() {
		var code reg.VecVirtual
		for k := 7; k >= 0; k-- {
			place, level := t.load(at(places, k*t.width())), t.bits(0)
			for _, border := range []reg.VecVirtual{first, second} {
				if t.wide() {
					m := t.K()
					t.VPCMPD(operand.Imm(1), border, place, m)
					t.VPADDD(t.constant(1), level, m, level)
				} else {
					t.VPSUBD(t.do(t.VPCMPGTD, border, place), level, level)
				}
			}
			level = t.do(t.VPADDD, t.xor(level, positive), three)
			if code == nil {
				code = level
				continue
			}
			thrice := t.do(t.VPADDD, code, code)
			code = t.do(t.VPADDD, t.do(t.VPADDD, thrice, code), level)
		}
		t.storeWords(code, at(codes, 0))
		t.advance(places, 8*t.width())
		t.advance(codes, gridRows*t.rowWidth())
	})
	t.end()
}

// iq1Sums writes the sums over grid points.
func (t *tier) iq1Sums() {
	t.function("iq1Sums", "(sumqx, sumq2, x, w *float32, index *uint16, stride int, points, shifts *uint32, factor *float32, groups int)",
		`is iq1Sums of so many groups of 8, whose points are stride bytes apart in index, and
whose shifts are 0 for plus and 4 for minus. The values are multiplied by factor, of each lane.`)
	x, w, index, points, shifts := t.pointer("x"), t.pointer("w"), t.pointer("index"), t.pointer("points"), t.pointer("shifts")
	stride, factor := t.pointer("stride"), t.load(at(t.pointer("factor"), 0))
	places := []reg.Register{t.pointer("sumqx"), t.pointer("sumq2")}
	qx, q2 := t.load(at(places[0], 0)), t.load(at(places[1], 0))
	var values []float32
	for range 2 {
		for _, v := range iq1Values {
			values = append(values, v[0], v[1], v[2], 0)
		}
	}
	table := t.load(t.table("iq1Values", floats(values...)...))
	t.loop(t.pointer("groups"), func() {
		n, shift := t.vec(), t.load(at(shifts, 0))
		t.VPMOVZXWD(at(index, 0), n)
		point := t.gather(points, n)
		for k := range 8 {
			level := point
			if k > 0 {
				level = t.vec()
				t.VPSRLD(operand.Imm(uint64(4*k)), point, level)
			}
			q := t.mul(t.do(t.VPERMPS, t.or(level, shift), table), factor)
			wq := t.mul(q, at(w, k*t.width()))
			t.sum(qx, t.mul(wq, at(x, k*t.width())))
			t.sum(q2, t.mul(wq, q))
		}
		t.ADDQ(stride, index)
		for _, p := range []reg.Register{x, w} {
			t.advance(p, 8*t.width())
		}
		t.advance(shifts, t.width())
	})
	t.store(qx, at(places[0], 0))
	t.store(q2, at(places[1], 0))
	t.end()
}
