package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What a search in lanes knows of each of two vectors of lanes that are searched together, so that the sums of one are
// added while those of the other wait: the variables of searchAffine. What is found comes first; it lies in arrays of
// laneValues, one element a sub-block and lane, the others in scratch.
const (
	affineScale   = iota
	affineMinimum // lo until the search ends
	affineInverse // the inverse scale and
	affineFrom    // lo that gave the levels
	affineSumW
	affineFound // the number of these

	affineHi = iota - 1
	affineLeast
	affineSumX
	affineBest
	affineAlive // ones where there is something to search
	affineOdd   // ones where products may be too large for this code
	affineTryScale
	affineEnd
)

// laneValues is the size of an array with a value for every sub-block and lane.
const laneValues = 4 * 16 * 16

// affineSearch writes one search.
type affineSearch struct {
	*tier
	absolute        bool
	found, scratch  reg.Register
	x, w, levels    reg.Register
	i, end          reg.Register // bytes into these, of the first vector's
	j               reg.Register // the second's
	size            reg.Register // of one vector's elements
	factors, trials reg.Register
	nmax            reg.VecVirtual
}

// affine writes searchAffine for squared and for absolute errors.
func affine(t *tier) {
	for _, absolute := range []bool{false, true} {
		name, errors := "searchAffine", "squared"
		if absolute {
			name, errors = "searchAffineAbsolute", "absolute"
		}
		t.function(name, "(found, scratch, x, w, factors *float32, trials, n int, nmax float32) (odd uint32)",
			`is searchAffine of `+errors+` errors for two sub-blocks in each lane: x and w hold n vectors of
the first and then n of the second, n a multiple of 2. The inverse scales that are tried are factors divided by the range.
found points into affineLanes; scratch is for 16+2*n vectors. odd has a bit for each lane, and above those for each lane
of the second sub-blocks, where the search must be done by searchAffine instead.`)
		s := &affineSearch{tier: t, absolute: absolute}
		s.found, s.scratch, s.x, s.w = t.pointer("found"), t.pointer("scratch"), t.pointer("x"), t.pointer("w")
		s.factors, s.trials, s.size = t.pointer("factors"), t.pointer("trials"), t.pointer("n")
		s.levels = t.GP64()
		t.LEAQ(at(s.scratch, 16*t.width()), s.levels)
		t.SHLQ(operand.Imm(uint64(log2(t.width()))), s.size)
		s.nmax = t.scalar("nmax")
		s.write()
	}
}

// of is value v of group.
func (s *affineSearch) of(group, v int) operand.Mem {
	if v < affineFound {
		return at(s.found, v*laneValues+group*s.width())
	}
	return at(s.scratch, (2*(v-affineFound)+group)*s.width())
}

// element is the vector of group at the place of the loop, so many elements on.
func (s *affineSearch) element(p reg.Register, group, ahead int) operand.Mem {
	return operand.Mem{Base: p, Index: []reg.Register{s.i, s.j}[group], Scale: 1, Disp: ahead * s.width()}
}

// each runs body for every element; unrolled says how many at a time.
func (s *affineSearch) each(unrolled int, body func(ahead int)) {
	s.XORQ(s.i, s.i)
	s.MOVQ(s.size, s.j)
	label := s.label("each")
	s.Label(label)
	for ahead := range unrolled {
		body(ahead)
	}
	s.advance(s.i, unrolled*s.width())
	s.advance(s.j, unrolled*s.width())
	s.CMPQ(s.i, s.size)
	s.JB(operand.LabelRef(label))
}

func (s *affineSearch) write() {
	t := s.tier
	s.i, s.j = t.GP64(), t.GP64()
	s.begin()
	// The first try takes the scale as it is.
	var scale, lo [2]reg.VecVirtual
	for g := range 2 {
		alive := t.load(s.of(g, affineAlive))
		lo[g] = t.load(s.of(g, affineMinimum))
		iscale := t.and(t.div(s.nmax, t.sub(t.load(s.of(g, affineHi)), lo[g])), alive)
		scale[g] = t.and(t.div(t.float(1), iscale), alive)
		t.store(iscale, s.of(g, affineInverse))
		t.store(iscale, s.of(g, affineTryScale))
		t.store(scale[g], s.of(g, affineScale))
		t.store(lo[g], s.of(g, affineFrom))
		s.check(g, iscale)
	}
	s.round(true, nil)
	for g, e := range s.errors(scale, lo) {
		t.store(e, s.of(g, affineBest))
	}
	t.loop(s.trials, s.try)
	for g := range 2 {
		t.store(t.xor(t.load(s.of(g, affineMinimum)), t.constant(1<<31)), s.of(g, affineMinimum))
	}
	odd := t.flags(t.load(s.of(0, affineOdd)))
	second := t.flags(t.load(s.of(1, affineOdd)))
	t.SHLL(operand.Imm(uint64(t.lanes)), second)
	t.ORL(second, odd)
	t.Store(odd, t.ReturnIndex(0))
	t.end()
}

// begin finds the extremes and the sums that do not depend on levels.
func (s *affineSearch) begin() {
	t := s.tier
	var lo, hi, sumw, sumx [2]reg.VecVirtual
	t.XORQ(s.i, s.i)
	t.MOVQ(s.size, s.j)
	for g := range 2 { // from the first element, not from zeros, whose signs could differ
		lo[g] = t.load(s.element(s.x, g, 0))
		hi[g] = t.vec()
		t.set(hi[g], lo[g])
		sumw[g] = t.load(s.element(s.w, g, 0))
		sumx[g] = t.mul(sumw[g], lo[g])
	}
	label, done := t.label("extremes"), t.label("extremes")
	t.Label(label)
	t.advance(s.i, t.width())
	t.advance(s.j, t.width())
	t.CMPQ(s.i, s.size)
	t.JAE(operand.LabelRef(done))
	for g := range 2 {
		v, w := t.load(s.element(s.x, g, 0)), t.load(s.element(s.w, g, 0))
		t.VMINPS(lo[g], v, lo[g])
		t.VMAXPS(hi[g], v, hi[g])
		t.sum(sumw[g], w)
		t.sum(sumx[g], t.mul(w, v))
	}
	t.JMP(operand.LabelRef(label))
	t.Label(done)
	zero := t.zero()
	for g := range 2 {
		t.store(lo[g], s.of(g, affineLeast))
		t.store(hi[g], s.of(g, affineHi))
		t.store(sumw[g], s.of(g, affineSumW))
		t.store(sumx[g], s.of(g, affineSumX))
		start := t.choose(t.compare(lo[g], greater, zero), zero, lo[g])
		t.store(start, s.of(g, affineMinimum))
		t.store(t.ones(t.compare(hi[g], notLessEqual, start)), s.of(g, affineAlive))
		t.store(zero, s.of(g, affineOdd))
	}
}

// check says of group whether x must be clamped to the levels with this inverse scale. It is odd where products
// are not moderate.
func (s *affineSearch) check(g int, iscale vec) (clamp mask) {
	t := s.tier
	lo := t.load(s.of(g, affineMinimum))
	a := t.mul(t.sub(t.load(s.of(g, affineHi)), lo), iscale)
	b := t.mul(t.sub(t.load(s.of(g, affineLeast)), lo), iscale)
	low, high := t.min(a, b), t.max(a, b)
	magnitude := t.constant(1<<31 - 1)
	const bound = 1 << 20
	odd := t.either(t.compare(t.and(a, magnitude), notLess, t.float(bound)), t.compare(t.and(b, magnitude), notLess, t.float(bound)))
	t.store(t.or(t.ones(odd), s.of(g, affineOdd)), s.of(g, affineOdd))
	return t.either(t.compare(low, less, t.float(-0.499)), t.compare(t.sub(high, s.nmax), greater, t.float(0.499)))
}

// affineSums are those that depend on levels.
type affineSums struct{ l, l2, xl [2]reg.VecVirtual }

// round sets the levels with the inverse scale and lo of the state and adds the sums up, unless they are nil.
func (s *affineSearch) round(clamp bool, sums *affineSums) {
	t := s.tier
	var iscale, lo [2]reg.VecVirtual
	for g := range 2 {
		iscale[g], lo[g] = t.load(s.of(g, affineTryScale)), t.load(s.of(g, affineMinimum))
	}
	bias, zero := t.float(stepBias), t.constant(0)
	s.each(2, func(ahead int) {
		for g := range 2 {
			l := t.mul(t.sub(t.load(s.element(s.x, g, ahead)), lo[g]), iscale[g])
			if clamp {
				l = t.min(t.max(l, zero), s.nmax)
			}
			l = t.sub(t.add(l, bias), bias)
			t.store(l, s.element(s.levels, g, ahead))
			if sums == nil {
				continue
			}
			wl := t.mul(l, s.element(s.w, g, ahead))
			t.sum(sums.l[g], wl)
			t.sum(sums.l2[g], t.mul(wl, l))
			t.sum(sums.xl[g], t.mul(wl, s.element(s.x, g, ahead)))
		}
	})
}

// errors adds up the errors of scale*level + lo.
func (s *affineSearch) errors(scale, lo [2]reg.VecVirtual) (e [2]reg.VecVirtual) {
	t := s.tier
	magnitude := t.constant(1<<31 - 1)
	e = [2]reg.VecVirtual{t.zero(), t.zero()}
	s.each(2, func(ahead int) {
		for g := range 2 {
			diff := t.sub(t.add(t.mul(scale[g], s.element(s.levels, g, ahead)), lo[g]), s.element(s.x, g, ahead))
			if s.absolute {
				diff = t.and(diff, magnitude)
			} else {
				diff = t.mul(diff, diff)
			}
			t.sum(e[g], t.mul(diff, s.element(s.w, g, ahead)))
		}
	})
	return e
}

// try takes the next inverse scale.
func (s *affineSearch) try() {
	t := s.tier
	factor := t.spread(at(s.factors, 0))
	t.advance(s.factors, 4)
	var clamp mask
	for g := range 2 {
		iscale := t.div(factor, t.sub(t.load(s.of(g, affineHi)), s.of(g, affineMinimum)))
		iscale = t.and(iscale, s.of(g, affineAlive))
		t.store(iscale, s.of(g, affineTryScale))
		if c := s.check(g, iscale); g == 0 {
			clamp = c
		} else {
			clamp = t.either(clamp, c)
		}
	}
	sums := &affineSums{}
	for g := range 2 {
		sums.l[g], sums.l2[g], sums.xl[g] = t.zero(), t.zero(), t.zero()
	}
	fits, rounded := t.label("fits"), t.label("rounded")
	t.unless(clamp, fits)
	s.round(true, sums)
	t.JMP(operand.LabelRef(rounded))
	t.Label(fits)
	s.round(false, sums)
	t.Label(rounded)

	var scale, lo, inverse [2]reg.VecVirtual
	for g := range 2 {
		scale[g], lo[g] = s.solve(g, sums)
		inverse[g] = t.load(s.of(g, affineTryScale))
	}
	for g, e := range s.errors(scale, lo) {
		better := t.compare(e, less, s.of(g, affineBest))
		was := t.load(s.of(g, affineMinimum))
		s.take(g, affineBest, better, e)
		s.take(g, affineScale, better, scale[g])
		s.take(g, affineMinimum, better, lo[g])
		s.take(g, affineInverse, better, inverse[g])
		s.take(g, affineFrom, better, was)
	}
}

// take puts v into the state where m holds.
func (s *affineSearch) take(g, place int, m mask, v vec) {
	s.store(s.choose(m, v, s.load(s.of(g, place))), s.of(g, place))
}

// solve finds the best scale and lo for the levels: NaN, which wins nothing, where there is none.
func (s *affineSearch) solve(g int, sums *affineSums) (scale, lo reg.VecVirtual) {
	t := s.tier
	sumw, sumx := t.load(s.of(g, affineSumW)), t.load(s.of(g, affineSumX))
	l, l2, xl := sums.l[g], sums.l2[g], sums.xl[g]
	d := t.sub(t.mul(sumw, l2), t.mul(l, l))
	zero := t.zero()
	d = t.choose(t.compare(d, greater, zero), d, t.constant(math.Float32bits(float32(math.NaN()))))
	scale = t.div(t.sub(t.mul(sumw, xl), t.mul(sumx, l)), d)
	lo = t.div(t.sub(t.mul(l2, sumx), t.mul(l, xl)), d)
	above := t.compare(lo, greater, zero)
	done := t.label("solved")
	t.unless(above, done)
	t.set(scale, t.choose(above, t.div(xl, l2), scale))
	t.set(lo, t.choose(above, zero, lo))
	t.Label(done)
	return scale, lo
}
