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

// iq1Sort writes the sorting of n elements. The place of an element is the number of those that are less, and of those
// before it that are equal.
func (t *tier) iq1Sort(n int) {
	x, w, places := t.pointer("x"), t.pointer("w"), t.pointer("places")
	sorted := []reg.Register{t.pointer("sortedX"), t.pointer("sortedW")}
	if n == 16 {
		sorted = append(sorted, t.pointer("second"))
	}
	most, heaviest, magnitude, one := t.bits(0), t.bits(0), t.constant(1<<31-1), t.constant(1)
	second, done := t.GP64(), t.GP64() // ones for those of the second 8; bytes of rows that are sorted
	t.LEAQ(t.table("iq1Second", 0, 0, math.MaxUint32, math.MaxUint32), second)
	t.XORL(done.As32(), done.As32())
	// Four elements at a time are compared with those before, themselves and those behind.
	sort := t.label("sort")
	t.Label(sort)
	row := func(p reg.Register, i int) operand.Mem {
		return operand.Mem{Base: p, Index: done, Scale: 1, Disp: i * t.width()}
	}
	var v, place [4]reg.VecVirtual
	for i := range v {
		v[i], place[i] = t.load(row(x, i)), t.bits(0)
	}
	count := func(i int, p operand.Mem, predicate uint64) {
		m := t.compare(v[i], predicate, p)
		if t.wide() {
			t.VPADDD(one, place[i], m, place[i])
		} else {
			t.VPSUBD(m, place[i], place[i]) // ones are -1
		}
	}
	p, end := t.copyOf(x), t.GP64()
	pass := func(predicate uint64) { // up to end
		loop, counted := t.label("loop"), t.label("counted")
		t.Label(loop)
		t.CMPQ(p, end)
		t.JEQ(operand.LabelRef(counted))
		for i := range v {
			count(i, at(p, 0), predicate)
		}
		t.advance(p, t.width())
		t.JMP(operand.LabelRef(loop))
		t.Label(counted)
	}
	t.LEAQ(row(x, 0), end)
	pass(notLess) // no element is NaN
	for j := range v {
		for i := range v {
			if j < i {
				count(i, at(p, j*t.width()), notLess)
			} else if j > i {
				count(i, at(p, j*t.width()), greater)
			}
		}
	}
	t.advance(p, len(v)*t.width())
	t.LEAQ(at(x, n*t.width()), end)
	pass(greater)
	for i := range v {
		t.store(place[i], row(places, i))
		t.VMAXPS(t.and(v[i], magnitude), most, most)
		weight := t.load(row(w, i))
		t.VMAXPS(weight, heaviest, heaviest)
		if n == 32 {
			t.scatter(place[i], sorted, t.mul(weight, v[i]), weight)
		} else {
			t.scatter(place[i], sorted, v[i], weight, t.spread(at(second, 0)))
		}
	}
	t.advance(second, 4)
	t.advance(done, len(v)*t.width())
	t.CMPQ(done, operand.I32(int32(n*t.width())))
	t.JNE(operand.LabelRef(sort))
	limits := t.pointer("most")
	t.store(most, at(limits, 0))
	t.store(heaviest, at(limits, t.width()))
	t.end()
}

// scatter stores each vector to a matrix, every lane in the row that place says.
func (t *tier) scatter(place reg.VecVirtual, matrices []reg.Register, vectors ...reg.VecVirtual) {
	number := t.vec()
	t.VPSLLD(operand.Imm(uint64(log2(t.lanes))), place, number)
	t.VPADDD(t.table("laneNumbers", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), number, number)
	if t.wide() {
		for i, v := range vectors {
			k := t.K()
			t.VPCMPEQD(number, number, k)
			t.VSCATTERDPS(v, k, operand.Mem{Base: matrices[i], Index: number, Scale: 4})
		}
		return
	}
	numbers := t.AllocLocal(t.width())
	t.store(number, numbers)
	var local []operand.Mem
	for _, v := range vectors {
		m := t.AllocLocal(t.width())
		t.store(v, m)
		local = append(local, m)
	}
	n, value := t.GP64(), t.GP32()
	for l := range t.lanes {
		t.MOVL(numbers.Offset(4*l), n.As32())
		for i, m := range local {
			t.MOVL(m.Offset(4*l), value)
			t.MOVL(value, operand.Mem{Base: matrices[i], Index: n, Scale: 4})
		}
	}
}

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
		point := t.gather(points, t.and(n, t.constant(0x7fff)))
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
