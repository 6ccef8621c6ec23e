package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// splitIQ1S writes the search for the split of 32 elements, by means of prefix sums.
func (t *tier) splitIQ1S() {
	t.function("splitIQ1S", "(scale *float32, split *int32, wx, w, scratch *float32)",
		"is splitIQ1S of sorted elements: split is first + 256*second + 65536*shift, less than 0 for none. scratch has room for 198 vectors.")
	const n, row = 32, 6
	wx, w, scratch := t.pointer("wx"), t.pointer("w"), t.pointer("scratch")
	scale, split := t.pointer("scale"), t.pointer("split")
	// Row i of scratch has the sums of wx and w before element i, and what those from it on give at level 2: to Σwxq
	// and Σwq², with one shift and the other.
	place := func(p reg.Register, i int) operand.Mem { return at(p, i*t.width()) }
	sumx, sumw := t.bits(0), t.bits(0)
	p := t.copyOf(scratch)
	t.store(sumx, place(p, 0))
	t.store(sumw, place(p, 1))
	t.rows(n, []reg.Register{wx, w}, func(at []operand.Mem) {
		t.advance(p, row*t.width())
		t.sum(sumx, at[0])
		t.sum(sumw, at[1])
		t.store(sumx, place(p, 0))
		t.store(sumw, place(p, 1))
	})
	value := func(shift, level int) vec { return t.float(iq1Values[shift][level]) }
	q2of := func(sum reg.VecVirtual, shift, level int) reg.VecVirtual {
		return t.mul(t.mul(sum, value(shift, level)), value(shift, level))
	}
	t.MOVQ(scratch, p)
	t.loop(t.counter(n+1), func() {
		dx, dw := t.sub(sumx, place(p, 0)), t.sub(sumw, place(p, 1))
		for shift := range 2 {
			t.store(t.mul(dx, value(shift, 2)), place(p, 2+2*shift))
			t.store(q2of(dw, shift, 2), place(p, 3+2*shift))
		}
		t.advance(p, row*t.width())
	})

	score, none := t.bits(math.Float32bits(-math.MaxFloat32)), t.bits(math.MaxUint32)
	t.store(none, at(split, 0))
	t.store(none, at(scale, 0))
	number := t.counter(0)
	first, left := t.copyOf(scratch), t.counter(n+1)
	zero := t.constant(0)
	t.loop(left, func() {
		sx, sw := t.load(place(first, 0)), t.load(place(first, 1))
		var x, q [2]reg.VecVirtual
		for shift := range x {
			x[shift], q[shift] = t.mul(sx, value(shift, 0)), q2of(sw, shift, 0)
		}
		second := t.copyOf(first)
		t.loop(t.copyOf(left), func() {
			mx := t.mul(t.sub(t.load(place(second, 0)), sx), t.float(0.125))
			mw := t.mul(t.sub(t.load(place(second, 1)), sw), t.float(0.125*0.125))
			var qx, q2 [2]reg.VecVirtual
			qx[0] = t.add(t.add(x[0], mx), place(second, 2))
			q2[0] = t.add(t.add(q[0], mw), place(second, 3))
			qx[1] = t.add(t.sub(x[1], mx), place(second, 4))
			q2[1] = t.add(t.add(q[1], mw), place(second, 5))
			better := func(shift int) mask {
				return t.both(t.compare(q2[shift], greater, zero), t.compare(t.mul(qx[shift], qx[shift]), greater, t.mul(score, q2[shift])))
			}
			next := t.label("next")
			t.unless(t.either(better(0), better(1)), next)
			for shift := range 2 {
				t.take(better(shift), qx[shift], q2[shift], score, scale, split, number)
				t.ADDQ(operand.I32(65536), number)
			}
			t.SUBQ(operand.I32(2*65536), number)
			t.Label(next)
			t.advance(second, row*t.width())
			t.ADDQ(operand.I32(256), number)
		})
		t.advance(first, row*t.width())
		// The next split begins with both borders one further.
		t.MOVQ(left, second)
		t.SHLQ(operand.Imm(8), second)
		t.SUBQ(second, number)
		t.ADDQ(operand.I32(256+1), number)
	})
	t.end()
}

// take sets the scale and number of the split where it is better.
func (t *tier) take(better mask, qx, q2, score reg.VecVirtual, scale, split, number reg.Register) {
	s, n := t.div(qx, q2), t.vec()
	t.set(score, t.choose(better, t.mul(s, qx), score))
	t.store(t.choose(better, s, t.load(at(scale, 0))), at(scale, 0))
	if t.wide() {
		t.VPBROADCASTD(number.(reg.GP).As32(), n)
	} else {
		x := t.XMM()
		t.VMOVD(number.(reg.GP).As32(), x)
		t.VPBROADCASTD(x, n)
	}
	t.store(t.choose(better, n, t.load(at(split, 0))), at(split, 0))
}

// splitIQ1M writes the search for the split of 16 elements, by sums over the elements in order.
func (t *tier) splitIQ1M() {
	t.function("splitIQ1M", "(scale *float32, split *int32, x, w, second, scratch *float32)",
		"finds the best split of sorted elements as splitScores.search does: split is first + 256*second + 65536*shift, less than 0 for none. scratch has room for 400 vectors.")
	const n = 16
	x, w, second, terms := t.pointer("x"), t.pointer("w"), t.pointer("second"), t.pointer("scratch")
	scale, split := t.pointer("scale"), t.pointer("split")
	row := 8 * t.width() // for each choice of shifts what an element adds to Σwxq and to Σwq²
	level := n * row
	p := t.copyOf(terms)
	t.rows(n, []reg.Register{x, w, second}, func(from []operand.Mem) {
		v, weight, group := t.load(from[0]), t.load(from[1]), t.mask(t.load(from[2]))
		for l := range 3 {
			var qx, q2 [2]reg.VecVirtual
			for shift := range 2 {
				q := t.float(iq1Values[shift][l])
				wq := t.mul(weight, q)
				qx[shift], q2[shift] = t.mul(wq, v), t.mul(wq, q)
			}
			for k := range 4 {
				a, b := k>>1, k&1 // the shifts of both groups
				t.store(t.choose(group, qx[b], qx[a]), at(p, l*level+2*k*t.width()))
				t.store(t.choose(group, q2[b], q2[a]), at(p, l*level+(2*k+1)*t.width()))
			}
		}
		t.advance(p, row)
	})

	base, current := t.GP64(), t.GP64()
	t.LEAQ(operand.Mem{Base: terms, Disp: 3 * level}, base)
	t.LEAQ(operand.Mem{Base: terms, Disp: 3*level + row}, current)
	zeros := t.bits(0)
	for i := range 8 {
		t.store(zeros, at(base, i*t.width()))
	}
	score, none := t.bits(math.Float32bits(-math.MaxFloat32)), t.bits(math.MaxUint32)
	t.store(none, at(split, 0))
	t.store(none, at(scale, 0))
	number := t.counter(0)
	first, left := t.copyOf(terms), t.counter(n+1)
	zero := t.constant(0)
	t.loop(left, func() {
		for i := range 8 {
			t.store(t.load(at(base, i*t.width())), at(current, i*t.width()))
		}
		from, trips := t.copyOf(first), t.copyOf(left)
		t.loop(trips, func() {
			var sums [8]reg.VecVirtual
			for i := range sums {
				sums[i] = t.load(at(current, i*t.width()))
			}
			// The rest at level 2.
			rest, tail, done := t.copyOf(from), t.copyOf(trips), t.label("summed")
			t.DECQ(tail)
			t.JEQ(operand.LabelRef(done))
			t.loop(tail, func() {
				for i, s := range sums {
					t.sum(s, at(rest, 2*level+i*t.width()))
				}
				t.advance(rest, row)
			})
			t.Label(done)
			better := func(k int) mask {
				qx, q2 := sums[2*k], sums[2*k+1]
				return t.both(t.compare(q2, greater, zero), t.compare(t.mul(qx, qx), greater, t.mul(score, q2)))
			}
			next := t.label("next")
			t.unless(t.either(t.either(better(0), better(1)), t.either(better(2), better(3))), next)
			for k := range 4 {
				t.take(better(k), sums[2*k], sums[2*k+1], score, scale, split, number)
				t.ADDQ(operand.I32(65536), number)
			}
			t.SUBQ(operand.I32(4*65536), number)
			t.Label(next)
			// This element at level 1; behind the last one what is added does not matter.
			for i := range 8 {
				t.store(t.add(t.load(at(current, i*t.width())), at(from, level+i*t.width())), at(current, i*t.width()))
			}
			t.advance(from, row)
			t.ADDQ(operand.I32(256), number)
		})
		for i := range 8 {
			t.store(t.add(t.load(at(base, i*t.width())), at(first, i*t.width())), at(base, i*t.width()))
		}
		t.advance(first, row)
		t.MOVQ(left, from)
		t.SHLQ(operand.Imm(8), from)
		t.SUBQ(from, number)
		t.ADDQ(operand.I32(256+1), number)
	})
	t.end()
}

// mask holds where v has ones.
func (t *tier) mask(v reg.VecVirtual) mask {
	if t.wide() {
		k := t.K()
		t.VPMOVD2M(v, k)
		return k
	}
	return v
}
