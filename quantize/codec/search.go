package codec

import "math"

// The searches for scales that the formats share, as ggml-quants.c defines them. All sums are sequential
// float32. L holds the quantized values that the search ends with.

// tooSmall is the magnitude below which a group counts as zero (GROUP_MAX_EPS).
const tooSmall = 1e-15

// nearest rounds half to even by adding 1.5*2^23; for |v| up to 4,194,303.
func nearest(v float32) int32 {
	return int32(math.Float32bits(v+12582912)&0x007fffff) - 0x00400000
}

func clamp(v, lo, hi int32) int32 { return max(lo, min(hi, v)) }

// Largest returns the largest magnitude in x, 0 for none. It is NaN when an element is, so a finite result
// says that all of x is finite.
func Largest(x []float32) float32 { return math.Float32frombits(largestBits(x)) }

// largestGeneric is Largest as bits: magnitudes compare as their bits do, NaN above all, and integers compare
// without branches. Four chains keep the processor busy.
//
// largestBits is the same, by the fastest code that this processor has.
func largestGeneric(x []float32) uint32 {
	const magnitude = 1<<31 - 1
	var a, b, c, d uint32
	for ; len(x) >= 4; x = x[4:] {
		a = max(a, math.Float32bits(x[0])&magnitude)
		b = max(b, math.Float32bits(x[1])&magnitude)
		c = max(c, math.Float32bits(x[2])&magnitude)
		d = max(d, math.Float32bits(x[3])&magnitude)
	}
	for _, v := range x {
		a = max(a, math.Float32bits(v)&magnitude)
	}
	return max(a, b, c, d)
}

// absMax returns the first element of largest magnitude and that magnitude. NaN does not count.
func absMax(x []float32) (signed, magnitude float32) {
	m := largestBits(x)
	if m > 0x7f800000 {
		m = 0
		for _, v := range x {
			if v == v {
				m = max(m, math.Float32bits(v)&^(1<<31))
			}
		}
	}
	if m == 0 {
		return 0, 0
	}
	for _, v := range x {
		if math.Float32bits(v)&^(1<<31) == m {
			return v, math.Float32frombits(m)
		}
	}
	return 0, 0
}

// extremes returns the least and greatest element, without branches; which zero is not defined.
func extremes(x []float32) (lo, hi float32) {
	ordered := func(b int32) int32 { return b ^ int32(uint32(b>>31)>>1) } // its own inverse
	least, most := int32(math.MaxInt32), int32(math.MinInt32)
	for _, v := range x {
		b := ordered(int32(math.Float32bits(v)))
		least, most = min(least, b), max(most, b)
	}
	return math.Float32frombits(uint32(ordered(least))), math.Float32frombits(uint32(ordered(most)))
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// sumSquares is the sequential float32 sum of x².
func sumSquares(x []float32) float32 {
	var s float32
	for _, v := range x {
		s += float32(v * v)
	}
	return s
}

// weigh fills dst with w*sqrt(sigma2 + x²): how much an error of x weighs when w is its column's importance.
func weigh(dst, x, w []float32, sigma2 float32) {
	x, w = x[:len(dst)], w[:len(dst)]
	for i := range dst {
		dst[i] = float32(w[i] * sqrt(sigma2+float32(x[i]*x[i])))
	}
}

func sum(x []float32) float32 {
	var s float32
	for _, v := range x {
		s += v
	}
	return s
}

// The searches try many scales, and most tries round many elements, often all of them, to the same integers as an
// earlier try. The error depends on these integers alone, so a try that repeats earlier ones cannot win and is skipped.
// steps holds the integers l for this comparison, as the float32 values 1.5*2^23 + l, whose low bits are l.
type steps [32]float32

const (
	stepOfZero = 0x4b400000 // its bits
)

// step rounds v to the nearest integer and clamps it to the range low ... low+span. Few values are outside the range, so
// the branch is rarely taken.
func step(v float32, low, span uint32) uint32 {
	b := math.Float32bits(v + stepBias)
	if b-low > span {
		l := int32(b&0x007fffff) - 0x00400000
		least := int32(low - stepOfZero)
		b = stepOfZero + uint32(clamp(l, least, least+int32(span)))
	}
	return b
}

// stepValue is l.
func stepValue(s float32) float32 { return s - stepBias }

// searchDescent finds a scale for x ≈ scale*(L-nmax) by coordinate descent on the correlation, weights x²
// (make_q3_quants).
func searchDescent(nmax int32, x []float32, L []uint8) float32 {
	L = L[:len(x)]
	signed, magnitude := absMax(x)
	if magnitude < tooSmall {
		clear(L)
		return 0
	}
	iscale := -float32(nmax) / signed
	var sumlx, suml2 float32
	for i, v := range x {
		l := clamp(nearest(float32(iscale*v)), -nmax, nmax-1)
		L[i] = uint8(l) // with its sign until the end
		w, f := float32(v*v), float32(l)
		sumlx += float32(float32(w*v) * f)
		suml2 += float32(float32(w*f) * f)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w, f := float32(v*v), float32(int8(L[i]))
			slx := sumlx - float32(float32(w*v)*f)
			if !(slx > 0) { // not <=: NaN stops here too, as in the reference
				continue
			}
			sl2 := suml2 - float32(float32(w*f)*f)
			l := clamp(nearest(float32(v*sl2)/slx), -nmax, nmax-1)
			if l == int32(int8(L[i])) {
				continue
			}
			f = float32(l)
			slx += float32(float32(w*v) * f)
			sl2 += float32(float32(w*f) * f)
			if sl2 > 0 && float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				L[i] = uint8(l)
				sumlx, suml2 = slx, sl2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	for i := range L {
		L[i] += uint8(nmax)
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}

// searchPositive finds a scale for x ≈ scale*L with L from 0 to nmax, weights w (make_qp_quants). It serves
// the scales and minima of sub-blocks, which are not negative, and IQ2_XXS, where an element that had to take
// another sign is.
func searchPositive(nmax int32, x []float32, L []uint8, w []float32) float32 {
	L, w = L[:len(x)], w[:len(x)]
	var most float32
	for _, v := range x {
		if v > most {
			most = v
		}
	}
	if most < tooSmall {
		clear(L)
		return 0
	}
	// Squared error of the grid with this inverse scale. The reference holds the levels of the first try in bytes
	// and does not limit them, so that those of negative elements wrap around.
	mse := func(iscale float32, first bool) float32 {
		scale := 1 / iscale
		var e float32
		for i, v := range x {
			l := nearest(float32(iscale * v))
			if first {
				l = int32(uint8(l))
			} else {
				l = min(nmax, l)
			}
			diff := v - float32(scale*float32(l))
			e += float32(float32(w[i]*diff) * diff)
		}
		return e
	}
	iscale := float32(nmax) / most
	best := mse(iscale, true)
	for is := -4; is <= 4; is++ {
		if is == 0 {
			continue
		}
		try := (float32(0.1*float32(is)) + float32(nmax)) / most
		if e := mse(try, false); e < best {
			best, iscale = e, try
		}
	}
	var sumlx, suml2 float32
	for i, v := range x {
		l := min(nmax, nearest(float32(iscale*v)))
		L[i] = uint8(l)
		f := float32(l)
		sumlx += float32(float32(w[i]*v) * f)
		suml2 += float32(float32(w[i]*f) * f)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			f := float32(L[i])
			slx := sumlx - float32(float32(w[i]*v)*f)
			sl2 := suml2 - float32(float32(w[i]*f)*f)
			if !(slx > 0 && sl2 > 0) {
				continue
			}
			l := min(nmax, nearest(float32(v*sl2)/slx))
			if l == int32(L[i]) {
				continue
			}
			f = float32(l)
			slx += float32(float32(w[i]*v) * f)
			sl2 += float32(float32(w[i]*f) * f)
			if float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				L[i] = uint8(l)
				sumlx, suml2 = slx, sl2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}

// affine says how searchAffine tries scales: (rmin + rdelta*s + nmax)/(max-min) for s = 0..steps.
type affine struct {
	nmax         int32
	rmin, rdelta float32
	steps        int
	absolute     bool // absolute instead of squared errors
}

// errorBelow returns the weighted error of scale*level + lo for x, or, once that is certain not to be below
// limit, what has been added up: terms are not negative, so a sum of floats never falls again.
func (a *affine) errorBelow(limit, scale, lo float32, x, w, levels []float32) (e float32) {
	for from := 0; from < len(x); from += 8 {
		x, w, levels := x[from:from+8], w[from:from+8], levels[from:from+8]
		if a.absolute {
			for i, v := range x {
				e += float32(w[i] * abs(float32(scale*stepValue(levels[i]))+lo-v))
			}
		} else {
			for i, v := range x {
				diff := float32(scale*stepValue(levels[i])) + lo - v
				e += float32(w[i] * float32(diff*diff))
			}
		}
		if !(e < limit) {
			break
		}
	}
	return e
}

// searchAffine finds scale and minimum for x ≈ scale*L - minimum with L from 0 to nmax and minimum >= 0,
// weights w (make_qkx2_quants and make_qkx3_quants).
func searchAffine(a affine, x []float32, L []uint8, w []float32) (scale, minimum float32) {
	L, w = L[:len(x)], w[:len(x)]
	lo, hi := x[0], x[0]
	sumw := w[0]
	sumx := float32(sumw * x[0])
	for i := 1; i < len(x); i++ {
		v := x[i]
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		sumw += w[i]
		sumx += float32(w[i] * v)
	}
	least := lo
	if lo > 0 {
		lo = 0
	}
	if hi <= lo {
		clear(L)
		return 0, -lo
	}
	var tried, taken steps
	last := tried[:len(x)]
	span := uint32(a.nmax)
	iscale := float32(a.nmax) / (hi - lo)
	scale = 1 / iscale
	var best float32
	for i, v := range x {
		b := step(float32(iscale*(v-lo)), stepOfZero, span)
		taken[i] = math.Float32frombits(b)
		diff := float32(scale*stepValue(taken[i])) + lo - v
		if a.absolute {
			best += float32(w[i] * abs(diff))
		} else {
			best += float32(w[i] * float32(diff*diff))
		}
	}
	for s := 0; s <= a.steps; s++ {
		// lo moves with the best solution so far, as in the reference.
		iscale = (a.rmin + float32(a.rdelta*float32(s)) + float32(a.nmax)) / (hi - lo)
		var changed bool
		if moderate(iscale*(hi-lo)) && moderate(iscale*(least-lo)) {
			changed = roundSteps(last, x, iscale, lo, span)
		} else {
			for i, v := range x {
				b := step(float32(iscale*(v-lo)), stepOfZero, span)
				changed = changed || b != math.Float32bits(last[i])
				last[i] = math.Float32frombits(b)
			}
		}
		if !changed {
			continue
		}
		var suml, suml2, sumxl float32
		for i, v := range x {
			l := stepValue(last[i])
			wl := float32(w[i] * l)
			suml += wl
			suml2 += float32(wl * l)
			sumxl += float32(wl * v)
		}
		d := float32(sumw*suml2) - float32(suml*suml)
		if !(d > 0) { // singular, or NaN
			continue
		}
		tryScale := (float32(sumw*sumxl) - float32(sumx*suml)) / d
		tryLo := (float32(suml2*sumx) - float32(suml*sumxl)) / d
		if tryLo > 0 {
			tryLo = 0
			tryScale = sumxl / suml2
		}
		if e := a.errorBelow(best, tryScale, tryLo, x, w, last); e < best {
			taken = tried
			best, scale, lo = e, tryScale, tryLo
		}
	}
	for i := range L {
		L[i] = uint8(math.Float32bits(taken[i]) - stepOfZero)
	}
	return scale, -lo
}
