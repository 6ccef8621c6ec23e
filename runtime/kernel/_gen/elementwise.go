package main

func elementwise(t *tier) {
	t.function("add", "(dst, x []float32)")
	n, p := t.slices("dst", "x")
	t.each(n, p, func(s part) { s.store(t.add(s.load(p[0]), s.load(p[1])), p[0]) })
	t.end()

	t.function("scale", "(x []float32, f float32)")
	n, p = t.slices("x")
	f := t.scalar("f")
	t.each(n, p, func(s part) { s.store(t.mul(s.load(p[0]), f), p[0]) })
	t.end()

	t.function("addScaled", "(dst, x []float32, f float32)")
	n, p = t.slices("dst", "x")
	f = t.scalar("f")
	t.each(n, p, func(s part) {
		sum := s.load(p[0])
		t.addProduct(sum, s.load(p[1]), f)
		s.store(sum, p[0])
	})
	t.end()
}
