package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes are the 16 running sums of a vector.
type lanes []reg.VecVirtual

func (t *tier) newLanes() lanes {
	var l lanes
	for range t.parts() {
		l = append(l, t.zero())
	}
	return l
}

// join adds up the lanes as joinLanes does and returns the sum from the function.
func (t *tier) join(l lanes) {
	y, high := l[0].AsY(), t.YMM()
	if t.wide() {
		t.VEXTRACTF64X4(operand.Imm(1), l[0], high)
	} else {
		high = l[1].AsY().(reg.VecVirtual)
	}
	t.VADDPS(high, y, y)
	x, other := l[0].AsX(), t.XMM()
	t.VEXTRACTF128(operand.Imm(1), y, other)
	t.VADDPS(other, x, x)
	t.VMOVHLPS(x, x, other)
	t.VADDPS(other, x, x)
	t.VMOVSHDUP(x, other)
	t.VADDSS(other, x, x)
	t.give(x)
}

func norms(t *tier) {
	t.function("squares", "(x []float32) float32")
	n, p := t.slices("x")
	sums := t.newLanes()
	t.each(n, p, func(s part) {
		v := s.load(p[0])
		t.addProduct(sums[s.i], v, v)
	})
	t.join(sums)
	t.end()

	t.function("addSquares", "(dst, x []float32) float32")
	n, p = t.slices("dst", "x")
	sums = t.newLanes()
	t.each(n, p, func(s part) {
		v := s.load(p[0])
		v = t.add(v, s.load(p[1]))
		s.store(v, p[0])
		t.addProduct(sums[s.i], v, v)
	})
	t.join(sums)
	t.end()

	t.function("weighted", "(dst, x, weight []float32, f float32)")
	n, p = t.slices("dst", "x", "weight")
	f := t.scalar("f")
	t.each(n, p, func(s part) {
		v := t.mul(s.load(p[1]), f)
		s.store(t.mul(v, s.load(p[2])), p[0])
	})
	t.end()

	t.function("total", "(x []float32) float32")
	n, p = t.slices("x")
	sums = t.newLanes()
	t.each(n, p, func(s part) { t.VADDPS(s.load(p[0]), sums[s.i], sums[s.i]) })
	t.join(sums)
	t.end()

	t.function("deviations", "(x []float32, mean float32) float32")
	n, p = t.slices("x")
	mean := t.scalar("mean")
	sums = t.newLanes()
	t.each(n, p, func(s part) {
		v := s.only(t.sub(s.load(p[0]), mean))
		t.addProduct(sums[s.i], v, v)
	})
	t.join(sums)
	t.end()

	t.function("centred", "(dst, x, weight []float32, mean, f float32)")
	n, p = t.slices("dst", "x", "weight")
	mean, f = t.scalar("mean"), t.scalar("f")
	t.each(n, p, func(s part) {
		v := t.mul(t.sub(s.load(p[1]), mean), f)
		s.store(t.mul(v, s.load(p[2])), p[0])
	})
	t.end()
}
