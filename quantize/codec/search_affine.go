package codec

import "math"

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
