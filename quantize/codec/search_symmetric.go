package codec

// stepBias is 1.5*2^23: adding and subtracting it rounds to an integer, half to even, as nearest does.
const stepBias = 12582912

func round(v float32) float32 { return float32(v+stepBias) - stepBias }

// item is an element, its weight, and their product.
type item struct{ x, w, wx float32 }

// trials are 16 or 32 elements of which searchSymmetric tries scales.
type trials struct {
	items     [32]item
	n         int
	lo, hi    float32 // the extremes of x
	low, high float32 // the extremes of what x is rounded to
}

// correlation is the sums of w*x*l and w*l².
type correlation struct{ lx, l2 float32 }

func (c correlation) plus(e *item, l float32) correlation {
	return correlation{c.lx + float32(e.wx*l), c.l2 + float32(float32(e.w*l)*l)}
}

// correlate rounds x with two inverse scales and sums up for each. The sums are sequential, and a processor can
// do more than that: the second scale costs little.
func (g *trials) correlate(first, second float32) (a, b correlation) {
	items := g.items[:g.n]
	if g.fits(first) && g.fits(second) {
		for ; len(items) >= 2; items = items[2:] {
			e, f := &items[0], &items[1]
			a = a.plus(e, round(float32(first*e.x)))
			b = b.plus(e, round(float32(second*e.x)))
			a = a.plus(f, round(float32(first*f.x)))
			b = b.plus(f, round(float32(second*f.x)))
		}
		return a, b
	}
	for i := range items {
		e := &items[i]
		a = a.plus(e, bound(round(float32(first*e.x)), g.low, g.high))
		b = b.plus(e, bound(round(float32(second*e.x)), g.low, g.high))
	}
	return a, b
}

// bound clamps with branches: few elements need it, and min and max of floats cost more.
func bound(v, low, high float32) float32 {
	if v < low {
		return low
	}
	if v > high {
		return high
	}
	return v
}

// offsets are added to the largest value to give the inverse scales that are tried, the plain one first. The last
// only makes their number even: what was tried just before cannot win.
var offsets = func() (o [20]float32) {
	k := -9
	for t := 1; t < len(o); t++ {
		o[t] = float32(0.1 * float32(k))
		if k++; k == 0 {
			k++
		}
	}
	o[19] = o[18]
	return o
}()

// fromHalf is where the offsets reach 0.5, so that the largest elements are rounded beyond the lowest value.
const fromHalf = 14

// limit lays elements beyond c, of c's sign, at c. It spares clamping: with c that becomes the lowest value at the
// last offset, 0.9, these elements are clamped to it from offset 0.5 on, and c is rounded to it as well, by
// a distance of less than 0.4.
func (g *trials) limit(c float32) {
	items := g.items[:g.n]
	if c > 0 {
		g.hi = c
		for i := range items {
			if items[i].x > c {
				items[i].x = c
			}
		}
		return
	}
	g.lo = c
	for i := range items {
		if items[i].x < c {
			items[i].x = c
		}
	}
}

// fits says that no element needs clamping: rounding keeps the order, so the extremes tell.
func (g *trials) fits(iscale float32) bool {
	a, b := round(float32(iscale*g.lo)), round(float32(iscale*g.hi))
	if iscale < 0 {
		a, b = b, a
	}
	return a >= g.low && b <= g.high
}

// searchSymmetric finds a scale for x ≈ scale*(L-nmax), L from 0 to 2*nmax-1 (make_qx_quants). Weights w; nil means x².
func searchSymmetric(nmax int32, x []float32, L []uint8, w []float32) float32 {
	L = L[:len(x)]
	lo, hi := extremes(x)
	signed, magnitude := hi, hi
	if -lo > hi {
		signed, magnitude = lo, -lo
	} else if !(hi > -lo) {
		signed, magnitude = absMax(x) // the first of two as large counts
	}
	if magnitude < tooSmall {
		clear(L)
		return 0
	}
	g := trials{n: len(x), lo: lo, hi: hi, low: float32(-nmax), high: float32(nmax - 1)}
	if w == nil {
		for i, v := range x {
			s := float32(v * v)
			g.items[i] = item{v, s, float32(s * v)}
		}
	} else {
		w = w[:len(x)]
		for i, v := range x {
			g.items[i] = item{v, w[i], float32(w[i] * v)}
		}
	}
	var scale, best, chosen float32
	try := func(c correlation, iscale float32) {
		if c.l2 > 0 && float32(c.lx*c.lx) > float32(best*c.l2) {
			scale = c.lx / c.l2
			best = float32(scale * c.lx)
			chosen = iscale
		}
	}
	for t := 0; t < len(offsets); t += 2 {
		if t == fromHalf {
			g.limit(signed * (g.low / (g.low - offsets[len(offsets)-1])))
		}
		first, second := -(float32(nmax)+offsets[t])/signed, -(float32(nmax)+offsets[t+1])/signed
		a, b := g.correlate(first, second)
		if t == 0 {
			// The plain scale is taken as it is.
			chosen = first
			if a.l2 != 0 {
				scale = a.lx / a.l2
			}
			best = float32(scale * a.lx)
		} else {
			try(a, first)
		}
		try(b, second)
	}
	for i := range L {
		L[i] = uint8(nmax + clamp(nearest(float32(chosen*x[i])), -nmax, nmax-1))
	}
	return scale
}
