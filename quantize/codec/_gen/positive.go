package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// positive writes what turns the scales of sub-blocks, which are not negative, into codes and a super-block's scale: a lane
// holds those of one super-block.
func positive(t *tier) {
	scaleTo(t)
	searchPositive(t)
}

func scaleTo(t *tier) {
	t.function("scaleTo", "(d, levels, x *float32, n int, nmax float32)",
		"is scaleTo of n vectors x: levels are the codes as float32, d the scales.")
	d, levels, x := t.pointer("d"), t.pointer("levels"), t.pointer("x")
	c := t.column(t.pointer("n"))
	nmax := t.scalar("nmax")
	limit := t.toInt(nmax)
	most := t.zero()
	c.each(func() { t.VMAXPS(most, t.load(c.of(x)), most) })
	alive := t.ones(t.compare(most, greater, t.zero()))
	iscale := t.and(t.div(nmax, most), alive)
	t.store(t.and(t.div(most, nmax), alive), at(d, 0))
	c.each(func() {
		l := t.minInt(t.nearest(t.mul(iscale, c.of(x))), limit)
		t.store(t.toFloat(t.lowByte(l)), c.of(levels))
	})
	t.end()
}

func searchPositive(t *tier) {
	t.function("searchPositive", "(d, levels, x, w, factors *float32, n int, nmax float32)",
		`is searchPositive of n vectors x with weights w: levels are the codes as float32, d the scales.
factors are the 8 that the largest x is divided into to give the inverse scales that are tried.`)
	d, levels, x, w := t.pointer("d"), t.pointer("levels"), t.pointer("x"), t.pointer("w")
	factors := t.pointer("factors")
	c := t.column(t.pointer("n"))
	nmax := t.scalar("nmax")
	limit := t.toInt(nmax)
	most := t.zero()
	c.each(func() { t.VMAXPS(most, t.load(c.of(x)), most) })
	alive := t.ones(t.compare(most, notLess, t.float(1e-15)))

	// The squared error of the grid with an inverse scale. Levels of the first try are held in bytes and not limited.
	mse := func(iscale vec, first bool) reg.VecVirtual {
		scale, e := t.div(t.float(1), iscale), t.zero()
		c.each(func() {
			v := t.load(c.of(x))
			l := t.nearest(t.mul(iscale, v))
			if first {
				l = t.lowByte(l)
			} else {
				l = t.minInt(l, limit)
			}
			diff := t.sub(v, t.mul(scale, t.toFloat(l)))
			t.sum(e, t.mul(t.mul(diff, c.of(w)), diff))
		})
		return e
	}
	iscale := t.and(t.div(nmax, most), alive)
	best := mse(iscale, true)
	trials := t.counter(8)
	t.loop(trials, func() {
		try := t.and(t.div(t.spread(at(factors, 0)), most), alive)
		t.advance(factors, 4)
		e := mse(try, false)
		better := t.compare(e, less, best)
		t.set(best, t.choose(better, e, best))
		t.set(iscale, t.choose(better, try, iscale))
	})

	sumlx, suml2 := t.zero(), t.zero()
	c.each(func() {
		v, wi := t.load(c.of(x)), t.load(c.of(w))
		l := t.minInt(t.nearest(t.mul(iscale, v)), limit)
		t.store(t.toFloat(t.lowByte(l)), c.of(levels))
		f := t.toFloat(l)
		t.sum(sumlx, t.mul(t.mul(wi, v), f))
		t.sum(suml2, t.mul(t.mul(wi, f), f))
	})
	// Coordinate descent: at most 5 times over all, as long as a level changes in some lane.
	rounds, done := t.counter(5), t.label("done")
	t.loop(rounds, func() {
		changed := t.zero()
		c.each(func() {
			v, wi, level := t.load(c.of(x)), t.load(c.of(w)), t.load(c.of(levels))
			wv := t.mul(wi, v)
			slx := t.sub(sumlx, t.mul(wv, level))
			sl2 := t.sub(suml2, t.mul(t.mul(wi, level), level))
			zero := t.zero()
			take := t.both(t.compare(slx, greater, zero), t.compare(sl2, greater, zero))
			l := t.minInt(t.nearest(t.div(t.mul(v, sl2), slx)), limit)
			f := t.toFloat(l)
			take = t.both(take, t.compare(f, notEqual, level))
			t.sum(slx, t.mul(wv, f))
			t.sum(sl2, t.mul(t.mul(wi, f), f))
			take = t.both(take, t.compare(t.mul(t.mul(slx, slx), suml2), greater, t.mul(t.mul(sumlx, sumlx), sl2)))
			t.store(t.choose(take, t.toFloat(t.lowByte(l)), level), c.of(levels))
			t.set(sumlx, t.choose(take, slx, sumlx))
			t.set(suml2, t.choose(take, sl2, suml2))
			t.set(changed, t.or(changed, t.ones(take)))
		})
		t.unlessAny(changed, done)
	})
	t.Label(done)
	zero := t.zero()
	scale := t.choose(t.compare(suml2, greater, zero), t.div(sumlx, suml2), zero)
	t.store(t.and(scale, alive), at(d, 0))
	c.each(func() { t.store(t.and(alive, c.of(levels)), c.of(levels)) })
	t.end()
}

// column is a loop over vectors that lie behind each other in several places.
type column struct {
	*tier
	i, size reg.Register // bytes
}

// column takes over the register n.
func (t *tier) column(n reg.Register) *column {
	t.SHLQ(operand.Imm(uint64(log2(t.width()))), n)
	return &column{t, t.GP64(), n}
}

// of is the current vector of p.
func (c *column) of(p reg.Register) operand.Mem { return operand.Mem{Base: p, Index: c.i, Scale: 1} }

// ahead is the vector of p so many further.
func (c *column) ahead(p reg.Register, n int) operand.Mem {
	return operand.Mem{Base: p, Index: c.i, Scale: 1, Disp: n * c.width()}
}

// each4 runs body for all, a multiple of 4, and says how far ahead of the current vector.
func (c *column) each4(body func(ahead int)) {
	c.XORQ(c.i, c.i)
	label := c.label("each")
	c.Label(label)
	for ahead := range 4 {
		body(ahead)
	}
	c.advance(c.i, 4*c.width())
	c.CMPQ(c.i, c.size)
	c.JB(operand.LabelRef(label))
}

// each runs body for all.
func (c *column) each(body func()) {
	c.XORQ(c.i, c.i)
	label := c.label("each")
	c.Label(label)
	body()
	c.advance(c.i, c.width())
	c.CMPQ(c.i, c.size)
	c.JB(operand.LabelRef(label))
}
