package main

import "github.com/mmcloughlin/avo/reg"

// weights writes the weights of elements in lanes.
func weights(t *tier) {
	t.function("squares", "(sums, x *float32, n int)", "adds the squares of n vectors to sums, in each lane.")
	sums, x := t.pointer("sums"), t.pointer("x")
	c := t.column(t.pointer("n"))
	s := t.load(at(sums, 0))
	c.each(func() {
		v := t.load(c.of(x))
		t.sum(s, t.mul(v, v))
	})
	t.store(s, at(sums, 0))
	t.end()

	t.function("sums", "(sums, w *float32, blocks, n int)", "sets blocks vectors sums to the sum of n vectors w each.")
	sums, w := t.pointer("sums"), t.pointer("w")
	blocks := t.pointer("blocks")
	c = t.column(t.pointer("n"))
	t.loop(blocks, func() {
		s := t.zero()
		c.each(func() { t.sum(s, c.of(w)) })
		t.store(s, at(sums, 0))
		t.advance(sums, t.width())
		t.ADDQ(c.size, w)
	})
	t.end()

	t.function("square", "(w, x *float32, n int)", "sets w to the squares of n vectors.")
	w, x = t.pointer("w"), t.pointer("x")
	c = t.column(t.pointer("n"))
	c.each(func() {
		v := t.load(c.of(x))
		t.store(t.mul(v, v), c.of(w))
	})
	t.end()

	t.function("weigh", "(w, x, sigma2 *float32, n int)", "is weigh in each lane, of n vectors: w comes as columns' weights. sigma2 is a vector.")
	w, x = t.pointer("w"), t.pointer("x")
	sigma2 := t.pointer("sigma2")
	c = t.column(t.pointer("n"))
	sigma := t.load(at(sigma2, 0))
	c.each(func() {
		v := t.load(c.of(x))
		t.store(t.mul(t.sqrt(t.add(sigma, t.mul(v, v))), c.of(w)), c.of(w))
	})
	t.end()

	t.function("magnitudes", "(w, x *float32, n int)", "sets w to the magnitudes of n vectors.")
	w, x = t.pointer("w"), t.pointer("x")
	c = t.column(t.pointer("n"))
	magnitude := t.constant(1<<31 - 1)
	c.each(func() { t.store(t.and(t.load(c.of(x)), magnitude), c.of(w)) })
	t.end()

	t.function("weighPlain", "(w, x *float32, blocks int)", `sets w, for so many times 32 vectors, to the magnitudes and the root of the mean square.`)
	w, x = t.pointer("w"), t.pointer("x")
	blocks = t.pointer("blocks")
	c = t.column(t.counter(32))
	magnitude = t.constant(1<<31 - 1)
	t.loop(blocks, func() {
		s := t.zero()
		c.each(func() {
			v := t.load(c.of(x))
			t.sum(s, t.mul(v, v))
		})
		average := t.sqrt(t.mul(s, t.float(1./32)))
		c.each(func() { t.store(t.add(average, t.and(magnitude, c.of(x))), c.of(w)) })
		t.advance(x, 32*t.width())
		t.advance(w, 32*t.width())
	})
	t.end()
}

func (t *tier) sqrt(v vec) reg.VecVirtual {
	d := t.vec()
	t.VSQRTPS(v, d)
	return d
}
