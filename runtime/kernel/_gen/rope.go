package main

import "github.com/mmcloughlin/avo/operand"

func rope(t *tier) {
	t.function("turnHalves", "(a, b, cos, sin []float32)")
	n, p := t.slices("cos", "sin", "a", "b")
	t.each(n, p, func(s part) {
		cos, sin, a, b := s.load(p[0]), s.load(p[1]), s.load(p[2]), s.load(p[3])
		turned := t.mul(b, sin)
		t.VFMSUB231PS(cos, a, turned)
		s.store(turned, p[2])
		turned = t.mul(a, sin)
		t.addProduct(turned, b, cos)
		s.store(turned, p[3])
	})
	t.end()

	t.function("turnPairs", "(x, cos, sin []float32)")
	n, p = t.slices("cos", "sin")
	t.ADDQ(n, n)
	x := t.Load(t.Param("x").Base(), t.GP64())
	twice := t.register(t.table("twice", []uint64{0, 1<<32 | 1, 2<<32 | 2, 3<<32 | 3, 4<<32 | 4, 5<<32 | 5, 6<<32 | 6, 7<<32 | 7}))
	t.each(n, p[:0], func(s part) {
		v, turned := s.load(x), t.vec()
		t.VPERMILPS(operand.Imm(0xb1), v, turned)
		t.VMULPS(s.loadTwice(p[1], twice), turned, turned)
		t.VFMADDSUB231PS(s.loadTwice(p[0], twice), v, turned) // minus in the first of a pair
		s.store(turned, x)
		if s.i == t.parts()-1 {
			t.ADDQ(operand.Imm(4*block), x)
			t.ADDQ(operand.Imm(2*block), p[0])
			t.ADDQ(operand.Imm(2*block), p[1])
		}
	})
	t.end()
}
