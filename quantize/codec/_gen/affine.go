package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What a search in lanes knows of each of two sub-blocks in a lane: the variables of searchAffine. What is found comes
// first; it lies in arrays of laneValues, a value for every sub-block and lane. The others lie in scratch.
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
	affineTryInverse
	affineTryScale
	affineTryLo
)

// laneValues is the size of an array with a value for every sub-block and lane.
const laneValues = 4 * 16 * 16

// affineSearch writes one search.
type affineSearch struct {
	*tier
	absolute       bool
	found, scratch reg.Register
	x, w, levels   [2]reg.Register // of each sub-block
	i, size        reg.Register    // bytes into these
	factors        reg.Register
	nmax           reg.VecVirtual
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
the first and then n of the second, n a multiple of 4. The inverse scales that are tried are factors divided by the range;
there is one factor more than trials. found points into the values of the first sub-block in a group, scratch is for
18+2*n vectors. odd has a bit for each lane, and above those for each lane of the second sub-blocks, where the search must
be done by searchAffine instead.`)
		s := &affineSearch{tier: t, absolute: absolute}
		s.found, s.scratch, s.factors = t.pointer("found"), t.pointer("scratch"), t.pointer("factors")
		s.size = t.pointer("n")
		t.SHLQ(operand.Imm(uint64(log2(t.width()))), s.size)
		for i, p := range []*[2]reg.Register{&s.x, &s.w, &s.levels} {
			if p[0] = t.GP64(); i < 2 {
				p[0] = t.pointer([]string{"x", "w"}[i])
			} else {
				t.LEAQ(at(s.scratch, 18*t.width()), p[0])
			}
			p[1] = t.GP64()
			t.LEAQ(operand.Mem{Base: p[0], Index: s.size, Scale: 1}, p[1])
		}
		s.nmax = t.scalar("nmax")
		s.i = t.GP64()
		s.write(t.pointer("trials"))
	}
}

// of is value v of group.
func (s *affineSearch) of(group, v int) operand.Mem {
	if v < affineFound {
		return at(s.found, v*laneValues+group*s.width())
	}
	return at(s.scratch, (2*(v-affineFound)+group)*s.width())
}

// element is the vector at the place of the loop, so many elements on.
func (s *affineSearch) element(p reg.Register, ahead int) operand.Mem {
	return operand.Mem{Base: p, Index: s.i, Scale: 1, Disp: ahead * s.width()}
}

// each runs body for every element, 4 at a time.
func (s *affineSearch) each(body func(ahead int)) {
	s.XORQ(s.i, s.i)
	label := s.label("each")
	s.Label(label)
	for ahead := range 4 {
		body(ahead)
	}
	s.advance(s.i, 4*s.width())
	s.CMPQ(s.i, s.size)
	s.JB(operand.LabelRef(label))
}

// write writes the search. The two sub-blocks take turns, so that where one waits for the end of its sums and for
// divisions, the processor has the other's sums at hand.
func (s *affineSearch) write(trials reg.Register) {
	t := s.tier
	for g := range 2 {
		s.begin(g)
	}
	first := t.GP64()
	t.MOVQ(trials, first)
	t.loop(trials, func() {
		s.try(0)
		skip := t.label("first")
		t.CMPQ(trials, first)
		t.JE(operand.LabelRef(skip))
		s.judge(1)
		t.Label(skip)
		t.advance(s.factors, 4)
		s.judge(0)
		s.try(1)
	})
	s.judge(1)
	var odd [2]reg.Register
	for g := range 2 {
		t.store(t.xor(t.load(s.of(g, affineMinimum)), t.constant(1<<31)), s.of(g, affineMinimum))
		odd[g] = t.flags(t.load(s.of(g, affineOdd)))
	}
	t.SHLL(operand.Imm(uint64(t.lanes)), odd[1])
	t.ORL(odd[1], odd[0])
	t.Store(odd[0], t.ReturnIndex(0))
	t.end()
}

// begin finds the extremes and the sums that do not depend on levels, and takes the plain scale.
func (s *affineSearch) begin(g int) {
	t := s.tier
	t.XORQ(s.i, s.i)
	// From the first element, not from zeros, whose signs could differ.
	lo, hi := t.load(s.element(s.x[g], 0)), t.vec()
	t.set(hi, lo)
	sumw := t.load(s.element(s.w[g], 0))
	sumx := t.mul(sumw, lo)
	next, done := t.label("next"), t.label("extremes")
	t.Label(next)
	t.advance(s.i, t.width())
	t.CMPQ(s.i, s.size)
	t.JAE(operand.LabelRef(done))
	v, w := t.load(s.element(s.x[g], 0)), t.load(s.element(s.w[g], 0))
	t.VMINPS(lo, v, lo)
	t.VMAXPS(hi, v, hi)
	t.sum(sumw, w)
	t.sum(sumx, t.mul(w, v))
	t.JMP(operand.LabelRef(next))
	t.Label(done)

	zero := t.zero()
	t.store(lo, s.of(g, affineLeast))
	t.store(hi, s.of(g, affineHi))
	t.store(sumw, s.of(g, affineSumW))
	t.store(sumx, s.of(g, affineSumX))
	t.store(zero, s.of(g, affineOdd))
	start := t.choose(t.compare(lo, greater, zero), zero, lo)
	alive := t.ones(t.compare(hi, notLessEqual, start))
	iscale := t.and(t.div(s.nmax, t.sub(hi, start)), alive)
	scale := t.and(t.div(t.float(1), iscale), alive)
	t.store(start, s.of(g, affineMinimum))
	t.store(start, s.of(g, affineFrom))
	t.store(start, s.of(g, affineTryLo))
	t.store(alive, s.of(g, affineAlive))
	t.store(iscale, s.of(g, affineInverse))
	t.store(iscale, s.of(g, affineTryInverse))
	t.store(scale, s.of(g, affineScale))
	t.store(scale, s.of(g, affineTryScale))
	s.check(g, iscale, start)
	s.round(g, true, nil)
	t.store(s.errors(g), s.of(g, affineBest))
	s.next(g)
}

// next divides the next factor by the range.
func (s *affineSearch) next(g int) {
	t := s.tier
	factor := t.spread(at(s.factors, 0))
	iscale := t.div(factor, t.sub(t.load(s.of(g, affineHi)), s.of(g, affineMinimum)))
	t.store(t.and(iscale, s.of(g, affineAlive)), s.of(g, affineTryInverse))
}

// check says where x must be clamped to the levels with this inverse scale. It notes as odd where products are not
// moderate.
func (s *affineSearch) check(g int, iscale, lo vec) (clamp mask) {
	t := s.tier
	a := t.mul(t.sub(t.load(s.of(g, affineHi)), lo), iscale)
	b := t.mul(t.sub(t.load(s.of(g, affineLeast)), lo), iscale)
	// If a is NaN, b is too, or infinite: least is not lo where the range is 0. They are what min and max then return.
	low, high := t.min(a, b), t.max(a, b)
	const bound = 1 << 20
	odd := t.either(t.compare(high, notLess, t.float(bound)), t.compare(low, notGreater, t.float(-bound)))
	t.store(t.or(t.ones(odd), s.of(g, affineOdd)), s.of(g, affineOdd))
	return t.either(t.compare(low, less, t.float(-0.499)), t.compare(t.sub(high, s.nmax), greater, t.float(0.499)))
}

// affineSums are those that depend on levels.
type affineSums struct{ l, l2, xl reg.VecVirtual }

// round sets the levels that are tried and adds the sums up, unless they are nil.
func (s *affineSearch) round(g int, clamp bool, sums *affineSums) {
	t := s.tier
	iscale, lo := t.load(s.of(g, affineTryInverse)), t.load(s.of(g, affineMinimum))
	bias, zero := t.float(stepBias), t.constant(0)
	s.each(func(ahead int) {
		x, w := s.element(s.x[g], ahead), s.element(s.w[g], ahead)
		l := t.mul(t.sub(t.load(x), lo), iscale)
		if clamp {
			l = t.min(t.max(l, zero), s.nmax)
		}
		l = t.sub(t.add(l, bias), bias)
		t.store(l, s.element(s.levels[g], ahead))
		if sums == nil {
			return
		}
		wl := t.mul(l, w)
		t.sum(sums.l, wl)
		t.sum(sums.l2, t.mul(wl, l))
		t.sum(sums.xl, t.mul(wl, x))
	})
}

// errors adds up the errors of the scale and lo that are tried.
func (s *affineSearch) errors(g int) reg.VecVirtual {
	t := s.tier
	scale, lo := t.load(s.of(g, affineTryScale)), t.load(s.of(g, affineTryLo))
	magnitude, e := t.constant(1<<31-1), t.zero()
	s.each(func(ahead int) {
		diff := t.mul(scale, s.element(s.levels[g], ahead))
		diff = t.sub(t.add(diff, lo), s.element(s.x[g], ahead))
		if s.absolute {
			diff = t.and(diff, magnitude)
		} else {
			diff = t.mul(diff, diff)
		}
		t.sum(e, t.mul(diff, s.element(s.w[g], ahead)))
	})
	return e
}

// try finds the levels of the inverse scale that is tried, and the best scale and lo for them.
func (s *affineSearch) try(g int) {
	t := s.tier
	sums := &affineSums{t.zero(), t.zero(), t.zero()}
	fits, rounded := t.label("fits"), t.label("rounded")
	t.unless(s.check(g, t.load(s.of(g, affineTryInverse)), t.load(s.of(g, affineMinimum))), fits)
	s.round(g, true, sums)
	t.JMP(operand.LabelRef(rounded))
	t.Label(fits)
	s.round(g, false, sums)
	t.Label(rounded)

	sumw, sumx := t.load(s.of(g, affineSumW)), t.load(s.of(g, affineSumX))
	zero := t.zero()
	d := t.sub(t.mul(sumw, sums.l2), t.mul(sums.l, sums.l))
	// NaN, which wins nothing, where there is no solution.
	d = t.choose(t.compare(d, greater, zero), d, t.float(float32(math.NaN())))
	scale := t.div(t.sub(t.mul(sumw, sums.xl), t.mul(sumx, sums.l)), d)
	lo := t.div(t.sub(t.mul(sums.l2, sumx), t.mul(sums.l, sums.xl)), d)
	above, solved := t.compare(lo, greater, zero), t.label("solved")
	t.unless(above, solved)
	t.set(scale, t.choose(above, t.div(sums.xl, sums.l2), scale))
	t.set(lo, t.choose(above, zero, lo))
	t.Label(solved)
	t.store(scale, s.of(g, affineTryScale))
	t.store(lo, s.of(g, affineTryLo))
}

// judge takes what is tried where it errs least so far, and divides for the next try.
func (s *affineSearch) judge(g int) {
	t := s.tier
	e := s.errors(g)
	better := t.compare(e, less, s.of(g, affineBest))
	take := func(place int, v vec) {
		t.store(t.choose(better, v, t.load(s.of(g, place))), s.of(g, place))
	}
	take(affineFrom, s.of(g, affineMinimum))
	take(affineBest, e)
	take(affineScale, s.of(g, affineTryScale))
	take(affineMinimum, s.of(g, affineTryLo))
	take(affineInverse, s.of(g, affineTryInverse))
	s.next(g)
}
