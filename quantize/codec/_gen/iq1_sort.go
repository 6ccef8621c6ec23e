package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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
