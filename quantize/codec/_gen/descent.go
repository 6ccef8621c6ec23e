package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// descent writes searchDescent. Each step of a descent waits for a division, so that several sub-blocks take theirs
// together.
func descent(t *tier) {
	together := 4
	if !t.wide() {
		together = 2
	}
	t.function("searchDescent", "(scale, levels, x *float32, n int, nmax float32)",
		`is searchDescent of n times 16 vectors x, n a multiple of 4: levels are as many, as float32, scale
a vector for each 16.`)
	scale, levels, x := t.pointer("scale"), t.pointer("levels"), t.pointer("x")
	n := t.pointer("n")
	nmax := t.scalar("nmax")
	low, high := t.toInt(t.xor(nmax, t.constant(1<<31))), t.toInt(t.sub(nmax, t.float(1)))
	t.SHRQ(operand.Imm(uint64(log2(together))), n)
	c := t.column(t.counter(16))
	size := 16 * t.width()
	// of is the current vector of the g-th sub-block.
	of := func(p reg.Register, g int) operand.Mem {
		m := c.of(p)
		m.Disp = g * size
		return m
	}
	t.loop(n, func() {
		sumlx, suml2 := make([]reg.VecVirtual, together), make([]reg.VecVirtual, together)
		for g := range together {
			first := t.GP64()
			t.LEAQ(at(x, g*size), first)
			signed, magnitude := c.magnitude(first)
			alive := t.ones(t.compare(magnitude, notLess, t.float(1e-15)))
			iscale := t.and(t.div(t.xor(nmax, t.constant(1<<31)), signed), alive)
			sumlx[g], suml2[g] = t.zero(), t.zero()
			c.each(func() {
				v := t.load(of(x, g))
				l := t.nearest(t.mul(iscale, v))
				f := t.toFloat(t.minInt(t.maxInt(l, low), high))
				t.store(f, of(levels, g))
				w := t.mul(v, v)
				t.sum(sumlx[g], t.mul(t.mul(w, v), f))
				t.sum(suml2[g], t.mul(t.mul(w, f), f))
			})
			// Dead lanes have levels and sums of zero, which win nothing.
			t.store(alive, at(scale, g*t.width()))
		}
		rounds, done := t.counter(5), t.label("done")
		t.loop(rounds, func() {
			changed := t.zero()
			c.each(func() {
				for g := range together {
					v, level := t.load(of(x, g)), t.load(of(levels, g))
					w := t.mul(v, v)
					wv := t.mul(w, v)
					slx := t.sub(sumlx[g], t.mul(wv, level))
					sl2 := t.sub(suml2[g], t.mul(t.mul(w, level), level))
					l := t.nearest(t.div(t.mul(v, sl2), slx))
					f := t.toFloat(t.minInt(t.maxInt(l, low), high))
					take := t.both(t.compare(slx, greater, t.constant(0)), t.compare(f, notEqual, level))
					t.sum(slx, t.mul(wv, f))
					t.sum(sl2, t.mul(t.mul(w, f), f))
					take = t.both(take, t.compare(sl2, greater, t.constant(0)))
					take = t.both(take, t.compare(t.mul(t.mul(slx, slx), suml2[g]), greater, t.mul(t.mul(sumlx[g], sumlx[g]), sl2)))
					t.store(t.choose(take, f, level), of(levels, g))
					t.set(sumlx[g], t.choose(take, slx, sumlx[g]))
					t.set(suml2[g], t.choose(take, sl2, suml2[g]))
					t.set(changed, t.or(changed, t.ones(take)))
				}
			})
			t.unlessAny(changed, done)
		})
		t.Label(done)
		for g := range together {
			alive := t.load(at(scale, g*t.width()))
			zero := t.zero()
			s := t.choose(t.compare(suml2[g], greater, zero), t.div(sumlx[g], suml2[g]), zero)
			t.store(t.and(s, alive), at(scale, g*t.width()))
			c.each(func() { t.store(t.and(alive, t.add(nmax, of(levels, g))), of(levels, g)) })
		}
		t.advance(x, together*size)
		t.advance(levels, together*size)
		t.advance(scale, together*t.width())
	})
	t.end()
}
