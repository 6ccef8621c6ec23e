package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// symmetric writes the searches for scales of values on both sides of zero.
func symmetric(t *tier) {
	searchSymmetric(t)
	levelsSymmetric(t)
	scaleSigned(t)
}

// magnitude finds the first element of largest magnitude in each lane, and the magnitude.
func (c *column) magnitude(x reg.Register) (signed, magnitude reg.VecVirtual) {
	signed, magnitude = c.zero(), c.zero()
	bits := c.constant(1<<31 - 1)
	c.each(func() {
		v := c.load(c.of(x))
		a := c.and(v, bits)
		larger := c.compare(a, greater, magnitude)
		c.set(signed, c.choose(larger, v, signed))
		c.set(magnitude, c.choose(larger, a, magnitude))
	})
	return signed, magnitude
}

func searchSymmetric(t *tier) {
	t.function("searchSymmetric", "(scale, inverse, scratch, x, w, factors *float32, n int, nmax float32)",
		`is searchSymmetric of n vectors x with weights w, n a multiple of 4. It finds scales and the inverse ones
that give the levels, 0 for no levels. factors are the 20 that the largest x is divided into to give the inverse scales
that are tried; scratch is for n+4 vectors.`)
	scales, inverses := at(t.pointer("scale"), 0), at(t.pointer("inverse"), 0)
	wx, x, w, factors := t.pointer("scratch"), t.pointer("x"), t.pointer("w"), t.pointer("factors")
	c := t.column(t.pointer("n"))
	high := t.scalar("nmax")
	low := t.xor(high, t.constant(1<<31))
	t.set(high, t.sub(high, t.float(1)))
	// What is not needed in loops lies in memory.
	memory := func(i int) operand.Mem { return at(wx, (i-4)*t.width()) }
	divisor, alive, opposite, best := memory(0), memory(1), memory(2), memory(3)
	t.advance(wx, 4*t.width())

	signed, magnitude := c.magnitude(x)
	least, most := t.zero(), t.zero()
	c.each(func() {
		v := t.load(c.of(x))
		t.VMINPS(least, v, least)
		t.VMAXPS(most, v, most)
		t.store(t.mul(v, c.of(w)), c.of(wx))
	})
	living := t.compare(magnitude, notLess, t.float(1e-15))
	t.store(t.ones(living), alive)
	// Divided by infinity, factors give the inverse scale 0.
	t.store(t.choose(living, signed, t.float(float32(math.Inf(1)))), divisor)
	// The largest element of the other sign becomes so many times the lowest level.
	t.store(t.div(t.min(most, t.xor(least, t.constant(1<<31))), magnitude), opposite)

	// pair tries two inverse scales; the first of all is taken as it is. The element of largest magnitude is rounded beyond
	// the lowest level from the factor nmax+0.5 on: then beyond is true.
	pair := func(first, beyond bool) {
		var iscale, lx, l2 [2]reg.VecVirtual
		for k := range 2 {
			iscale[k] = t.div(t.spread(at(factors, 4*k)), divisor)
			lx[k], l2[k] = t.zero(), t.zero()
		}
		correlate := func(clamp bool) {
			bias := t.float(stepBias)
			c.each4(func(ahead int) {
				for k := range 2 {
					l := t.sub(t.add(t.mul(iscale[k], c.ahead(x, ahead)), bias), bias)
					if beyond {
						l = t.max(l, low)
					}
					if clamp {
						l = t.min(l, high)
					}
					t.sum(lx[k], t.mul(l, c.ahead(wx, ahead)))
					t.sum(l2[k], t.mul(t.mul(l, c.ahead(w, ahead)), l))
				}
			})
		}
		// The other sign may go beyond the highest level with the factor of larger magnitude, which is the second but for
		// the first of all. Comparing what is negative.
		larger := 4
		if first {
			larger = 0
		}
		limit := t.add(high, t.float(0.499))
		clamp := t.compare(t.mul(t.spread(at(factors, larger)), opposite), less, t.xor(limit, t.constant(1<<31)))
		t.advance(factors, 8)
		fits, done := t.label("fits"), t.label("correlated")
		t.unless(clamp, fits)
		correlate(true)
		t.JMP(operand.LabelRef(done))
		t.Label(fits)
		correlate(false)
		t.Label(done)
		zero := t.zero()
		for k := range 2 {
			s := t.div(lx[k], l2[k])
			if first && k == 0 {
				s = t.choose(t.compare(l2[k], notEqual, zero), s, zero)
				t.store(s, scales)
				t.store(t.mul(s, lx[k]), best)
				t.store(iscale[k], inverses)
				continue
			}
			better := t.compare(t.mul(lx[k], lx[k]), greater, t.mul(l2[k], best))
			better = t.both(better, t.compare(l2[k], greater, zero))
			t.store(t.choose(better, s, t.load(scales)), scales)
			t.store(t.choose(better, t.mul(s, lx[k]), t.load(best)), best)
			t.store(t.choose(better, iscale[k], t.load(inverses)), inverses)
		}
	}
	pair(true, false)
	t.loop(t.counter(6), func() { pair(false, false) })
	t.loop(t.counter(3), func() { pair(false, true) })
	t.store(t.and(t.load(scales), alive), scales) // sums of infinite weights are NaN
	t.end()
}

func levelsSymmetric(t *tier) {
	t.function("levelsSymmetric", "(levels, x, inverse *float32, n int, nmax float32)",
		`sets levels of n vectors x to what searchSymmetric leaves in L: x times the inverse scale, rounded,
plus nmax. Where the inverse scale is 0, they are 0.`)
	levels, x, inverse := t.pointer("levels"), t.pointer("x"), t.pointer("inverse")
	c := t.column(t.pointer("n"))
	nmax := t.scalar("nmax")
	low := t.xor(nmax, t.constant(1<<31))
	high := t.sub(nmax, t.float(1))
	iscale := t.load(at(inverse, 0))
	alive := t.ones(t.compare(iscale, notEqual, t.constant(0)))
	bias := t.float(stepBias)
	c.each(func() {
		l := t.sub(t.add(t.mul(iscale, c.of(x)), bias), bias)
		l = t.add(t.min(t.max(l, low), high), nmax)
		t.store(t.and(l, alive), c.of(levels))
	})
	t.end()
}

func scaleSigned(t *tier) {
	t.function("scaleSigned", "(d, levels, x *float32, n int, top, least float32)",
		`rounds n vectors x to whole multiples of d, from -top to top-1, so that the one of largest magnitude
becomes -top. Where no magnitude is at least least, d and the levels are 0.`)
	d, levels, x := t.pointer("d"), t.pointer("levels"), t.pointer("x")
	c := t.column(t.pointer("n"))
	top := t.scalar("top")
	low, high := t.toInt(t.xor(top, t.constant(1<<31))), t.toInt(t.sub(top, t.float(1)))
	signed, magnitude := c.magnitude(x)
	alive := t.ones(t.compare(magnitude, notLess, t.scalar("least")))
	iscale := t.and(t.div(t.xor(top, t.constant(1<<31)), signed), alive)
	t.store(t.and(t.div(t.float(1), iscale), alive), at(d, 0))
	c.each(func() {
		l := t.nearest(t.mul(iscale, c.of(x)))
		t.store(t.toFloat(t.minInt(t.maxInt(l, low), high)), c.of(levels))
	})
	t.end()
}
