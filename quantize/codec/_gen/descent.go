package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The places of searchDescentQ3K's scratch: rows of descentRow lanes each, in which the sub-blocks that descend stand
// close to each other.
const (
	descentRow    = 4 * (256 + 64) // bytes
	descentX      = 0              // 16 elements
	descentLevels = 16             // and their levels
	descentLX     = 32             // the sums
	descentL2     = 33
	descentLane   = 34 // whose scale it is
	descentFresh  = 35 // the levels of the sub-blocks that are looked at
)

// descent writes searchDescent for Q3_K. Four of five sub-blocks have no level to change after the first rounding; that
// shows without a division. The lanes of the others are moved together, and descend in vectors of nothing else.
func descent(t *tier) {
	t.function("searchDescentQ3K", "(scale, scratch, x *float32, order *[8]uint32, n int)",
		`finds the scales of searchDescent(4) for n times 16 vectors x. scratch is for 36 rows of 320 lanes. order
has, for AVX2, for each byte where its ones come first.`)
	d := &descending{tier: t, scale: t.pointer("scale"), scratch: t.pointer("scratch"), x: t.pointer("x")}
	if !t.wide() {
		d.order = t.pointer("order")
	}
	n := t.pointer("n")
	d.scales = t.copyOf(d.scale)
	d.column = t.column(t.counter(16))
	d.end, d.lane, d.at = t.GP64(), t.GP64(), t.GP64()
	t.XORQ(d.end, d.end)
	t.XORQ(d.lane, d.lane)
	t.loop(n, d.first)
	d.descend()
	d.finish()
	t.end()
}

// descending is what the parts of the function share.
type descending struct {
	*tier
	scales, scratch, order reg.Register
	scale, x               reg.Register // of the sub-blocks that are looked at
	column                 *column
	end                    reg.GPVirtual // bytes of a row that are taken by those that descend
	lane                   reg.GPVirtual // the number of the first lane that is looked at
	at                     reg.GPVirtual
}

// row is row r at byte at.
func (d *descending) row(r int, at reg.Register) operand.Mem {
	return operand.Mem{Base: d.scratch, Index: at, Scale: 1, Disp: r * descentRow}
}

// level rounds a quotient and clamps it to the levels.
func (d *descending) level(q vec) reg.VecVirtual {
	t := d.tier
	return t.toFloat(t.minInt(t.maxInt(t.nearest(q), t.constant(1<<32-4)), t.constant(3)))
}

// first rounds a vector of sub-blocks for the first time, and moves those that may descend.
func (d *descending) first() {
	t, c := d.tier, d.column
	fresh := t.GP64()
	t.LEAQ(at(d.scratch, descentFresh*descentRow), fresh)
	signed, magnitude := c.magnitude(d.x)
	alive := t.ones(t.compare(magnitude, notLess, t.float(1e-15)))
	iscale := t.and(t.div(t.float(-4), signed), alive)
	sumlx, suml2 := t.zero(), t.zero()
	c.each(func() {
		v := t.load(c.of(d.x))
		f := d.level(t.mul(iscale, v))
		t.store(f, c.of(fresh))
		w := t.mul(v, v)
		t.sum(sumlx, t.mul(t.mul(w, v), f))
		t.sum(suml2, t.mul(t.mul(w, f), f))
	})
	// Where the quotient lies well between the middles to the next levels, or beyond the last one but not so far that it
	// wraps around, the level stays.
	const far = 1 << 20
	below := t.load(t.table("q3_below", floats(d.bounds(-0.499, -far)...)...))
	above := t.load(t.table("q3_above", floats(d.bounds(0.499, far)...)...))
	may := t.zero()
	c.each(func() {
		v, level := t.load(c.of(d.x)), t.load(c.of(fresh))
		w := t.mul(v, v)
		slx := t.sub(sumlx, t.mul(t.mul(w, v), level))
		sl2 := t.sub(suml2, t.mul(t.mul(w, level), level))
		q := t.mul(v, sl2)
		index := t.toInt(level)
		changes := t.either(
			t.compare(q, notGreaterEqual, t.mul(slx, t.permuted(index, below))),
			t.compare(q, notLessEqual, t.mul(slx, t.permuted(index, above))))
		changes = t.both(changes, t.compare(slx, greater, t.constant(0)))
		t.set(may, t.or(may, t.ones(changes)))
	})
	t.set(may, t.and(may, alive))
	scale := t.and(d.quotient(sumlx, suml2), alive)
	t.store(scale, at(d.scale, 0))

	stay := t.label("stay")
	t.unlessAny(may, stay)
	compress := t.compressor(may, d.order)
	t.MOVQ(d.end, d.at)
	t.loop(t.counter(16), func() {
		compress(t.load(at(d.x, 0)), d.row(descentX, d.at))
		compress(t.load(at(fresh, 0)), d.row(descentLevels, d.at))
		t.advance(d.x, t.width())
		t.advance(fresh, t.width())
		t.advance(d.at, descentRow)
	})
	t.advance(d.x, -16*t.width())
	compress(sumlx, d.row(descentLX, d.end))
	compress(suml2, d.row(descentL2, d.end))
	lanes := t.vec()
	first := t.XMM()
	t.VMOVD(d.lane.As32(), first)
	t.VPBROADCASTD(first, lanes)
	lanes = t.do(t.VPADDD, lanes, t.table("count", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
	compress(lanes, d.row(descentLane, d.end))
	taken := t.flags(may)
	t.POPCNTL(taken, taken)
	t.SHLL(operand.Imm(2), taken)
	t.ADDQ(taken.(reg.GPVirtual).As64(), d.end)
	t.Label(stay)
	t.advance(d.lane, t.lanes)
	t.advance(d.scale, t.width())
	t.advance(d.x, 16*t.width())
}

// descend changes levels as long as that correlates better, at most 5 times over all. Each step waits for a division, so
// that several vectors take theirs together.
func (d *descending) descend() {
	t := d.tier
	together := 4
	if !t.wide() {
		together = 2
	}
	// What fills up the last vectors changes nothing.
	for g := range together {
		m := d.row(descentLX, d.end)
		m.Disp += g * t.width()
		t.store(t.bits(1<<32-1), m) // NaN
	}
	t.XORQ(d.at, d.at)
	next, none := t.label("batch"), t.label("descended")
	t.Label(next)
	t.CMPQ(d.at, d.end)
	t.JAE(operand.LabelRef(none))
	sumlx, suml2 := make([]reg.VecVirtual, together), make([]reg.VecVirtual, together)
	of := func(r, g int) operand.Mem {
		m := d.row(r, d.at)
		m.Disp += g * t.width()
		return m
	}
	for g := range together {
		sumlx[g], suml2[g] = t.load(of(descentLX, g)), t.load(of(descentL2, g))
	}
	rounds, done := t.counter(5), t.label("done")
	p := t.GP64()
	t.loop(rounds, func() {
		changed := t.zero()
		t.LEAQ(d.row(descentX, d.at), p)
		t.loop(t.counter(16), func() {
			for g := range together {
				v, place := t.load(at(p, g*t.width())), at(p, descentLevels*descentRow+g*t.width())
				level := t.load(place)
				w := t.mul(v, v)
				wv := t.mul(w, v)
				slx := t.sub(sumlx[g], t.mul(wv, level))
				sl2 := t.sub(suml2[g], t.mul(t.mul(w, level), level))
				f := d.level(t.div(t.mul(v, sl2), slx))
				take := t.both(t.compare(slx, greater, t.constant(0)), t.compare(f, notEqual, level))
				t.sum(slx, t.mul(wv, f))
				t.sum(sl2, t.mul(t.mul(w, f), f))
				take = t.both(take, t.compare(sl2, greater, t.constant(0)))
				take = t.both(take, t.compare(t.mul(t.mul(slx, slx), suml2[g]), greater, t.mul(t.mul(sumlx[g], sumlx[g]), sl2)))
				t.store(t.choose(take, f, level), place)
				t.set(sumlx[g], t.choose(take, slx, sumlx[g]))
				t.set(suml2[g], t.choose(take, sl2, suml2[g]))
				t.set(changed, t.or(changed, t.ones(take)))
			}
			t.advance(p, descentRow)
		})
		t.unlessAny(changed, done)
	})
	t.Label(done)
	for g := range together {
		t.store(d.quotient(sumlx[g], suml2[g]), of(descentLX, g))
	}
	t.advance(d.at, together*t.width())
	t.JMP(operand.LabelRef(next))
	t.Label(none)
}

// finish puts the scales of those that descended in their places.
func (d *descending) finish() {
	t := d.tier
	t.XORQ(d.at, d.at)
	next, done := t.label("put"), t.label("all")
	t.Label(next)
	t.CMPQ(d.at, d.end)
	t.JAE(operand.LabelRef(done))
	lane, scale := t.GP64(), t.GP32()
	t.MOVL(d.row(descentLane, d.at), lane.As32())
	t.MOVL(d.row(descentLX, d.at), scale)
	t.MOVL(scale, operand.Mem{Base: d.scales, Index: lane, Scale: 4})
	t.advance(d.at, 4)
	t.JMP(operand.LabelRef(next))
	t.Label(done)
}

// quotient is the scale of sums.
func (d *descending) quotient(sumlx, suml2 reg.VecVirtual) reg.VecVirtual {
	zero := d.zero()
	return d.choose(d.compare(suml2, greater, zero), d.div(sumlx, suml2), zero)
}

// bounds are the levels plus half a level, the last one in that direction far; in the order of their low 3 or 4 bits.
func (d *descending) bounds(half, far float32) (b []float32) {
	for i := range 16 {
		level := float32((i+4)%8 - 4)
		if half < 0 && level == -4 || half > 0 && level == 3 {
			b = append(b, far)
		} else {
			b = append(b, level+half)
		}
	}
	return b
}

// permuted is the values that index points at, by its low bits.
func (t *tier) permuted(index, values vec) reg.VecVirtual {
	d := t.vec()
	t.VPERMPS(values, index, d)
	return d
}

// compressor returns a function that stores the lanes where m, of ones and zeros, holds, next to each other. What stands
// behind them, up to a vector, is lost.
func (t *tier) compressor(m reg.VecVirtual, order reg.Register) func(v reg.VecVirtual, to operand.Mem) {
	if t.wide() {
		k := t.K()
		t.VPTESTMD(m, m, k)
		return func(v reg.VecVirtual, to operand.Mem) {
			d := t.vec()
			t.VCOMPRESSPS_Z(v, k, d)
			t.store(d, to)
		}
	}
	bits := t.GP64()
	t.VMOVMSKPS(m, bits.As32())
	t.SHLQ(operand.Imm(5), bits)
	index := t.load(operand.Mem{Base: order, Index: bits, Scale: 1})
	return func(v reg.VecVirtual, to operand.Mem) { t.store(t.permuted(index, v), to) }
}
