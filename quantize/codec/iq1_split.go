package codec

import "math"

// The split search of IQ1_M. Its bytes are defined by float32 sums over the sorted elements one by one, for every
// split and choice of shifts: 612 pairs of sums over 16 elements. Here float64 prefix sums give each score within a
// known error, and only those that can be the best are summed as defined.

// splitScores estimates the scores (Σwxq)²/Σwq². With q = l-1 + s/8, l the level and s = ±1 the shift of a group,
//
//	Σwxq = Σwx(l-1) + Σswx/8             the last term does not depend on the split
//	Σwq² = Σw(l-1)² + Σsw(l-1)/4 + Σw/64
type splitScores struct {
	wx, w, first [17]float64 // prefix sums of w*x, w, and w in the first group
	shift        [2]float64  // Σswx/8 of shifts ++ and +-; those of -- and -+ are the negatives
	floor        float64     // Σw/64, the least Σwq² can be
	magnitude    float64     // Σw|x|
	slack        float64     // how far rounding may move a float32 Σwxq

	// Candidates in the order of the search.
	found [4 * 17 * 18 / 2]splitCandidate
	n     int
}

type splitCandidate struct {
	sumqx, sumq2  float64
	first, second uint8
	shift         uint8
}

// splitMargin bounds the relative error of a score by rounding Σwq² and the score itself: at most 25 roundings of
// 2^-24, and some room.
const splitMargin = 0x1p-17

// below and above say that the float32 score is surely below or above the threshold.
func (s *splitScores) below(c *splitCandidate, threshold float64) bool {
	x := math.Abs(c.sumqx) + s.slack
	return x*x < threshold*(1-splitMargin)*c.sumq2
}

func (s *splitScores) above(c *splitCandidate, threshold float64) bool {
	x := math.Abs(c.sumqx) - s.slack
	return x > 0 && x*x > threshold*(1+splitMargin)*c.sumq2
}

// prepare sums up the elements in sorted order.
func (s *splitScores) prepare(order *[16]uint8, x, w *[16]float32) {
	var group [2]float64
	s.magnitude = 0
	for j, i := range order {
		i &= 15
		wi := float64(w[i])
		wx := wi * float64(x[i])
		group[i>>3] += wx
		s.wx[j+1] = s.wx[j] + wx
		s.w[j+1] = s.w[j] + wi
		s.first[j+1] = s.first[j]
		if i < 8 {
			s.first[j+1] += wi
		}
		s.magnitude += math.Abs(wx)
	}
	s.shift = [2]float64{(group[0] + group[1]) / 8, (group[0] - group[1]) / 8}
	s.floor = s.w[16] / 64
	// Two products and 15 additions of terms up to 1.125wx: at most 18 roundings of 2^-24; this is thrice that.
	s.slack = s.magnitude * (0x1p-18 * 1.125)
}

// at estimates what the sums of the split at i1 and i2 consist of: Σwxq is wx plus the Σswx/8 of the shifts, Σwq²
// is base plus both for ++, plus differ for +-, less differ for -+, less both for --.
func (s *splitScores) at(i1, i2 int) (wx, base, both, differ float64) {
	wx = s.wx[16] - s.wx[i1] - s.wx[i2]
	base = s.w[16] - s.w[i2] + s.w[i1] + s.floor
	both = (s.w[16] - s.w[i1] - s.w[i2]) / 4 // Σw(l-1)/4
	first := (s.first[16] - s.first[i1] - s.first[i2]) / 4
	return wx, base, both, first + first - both
}

// climb returns the score of a good split: from that at 0.6 of the mean magnitude, near which most best ones lie, it
// moves either border while that helps.
func (s *splitScores) climb(order *[16]uint8, x *[16]float32) float64 {
	border := 0.6 * float32(s.magnitude/s.w[16])
	i1, i2 := 0, 16
	for i1 < 16 && x[order[i1]&15] < -border {
		i1++
	}
	for i2 > i1 && x[order[i2-1]&15] > border {
		i2--
	}
	var best float64
	try := func(i1, i2 int) bool {
		if i1 < 0 || i2 > 16 || i1 > i2 {
			return false
		}
		wx, base, both, differ := s.at(i1, i2)
		before := best
		best = better(best, wx+s.shift[0], base+both)
		best = better(best, wx+s.shift[1], base+differ)
		best = better(best, wx-s.shift[1], base-differ)
		best = better(best, wx-s.shift[0], base-both)
		return best > before
	}
	try(i1, i2)
	for moved := true; moved; {
		moved = false
		for try(i1+1, i2) {
			i1, moved = i1+1, true
		}
		for try(i1-1, i2) {
			i1, moved = i1-1, true
		}
		for try(i1, i2-1) {
			i2, moved = i2-1, true
		}
		for try(i1, i2+1) {
			i2, moved = i2+1, true
		}
	}
	return best
}

// scan collects the candidates that come within 1/256 of best, a score that one of them has, or of the best
// found since, and returns the best score.
func (s *splitScores) scan(best float64) float64 {
	const near = 1 - 0x1p-8
	s.n = 0
	threshold := best * near
	slack, shift0, shift1 := s.slack, s.shift[0], s.shift[1]
	t := threshold * (1 - splitMargin)
	for i1 := range 17 {
		wx1, base1 := s.wx[16]-s.wx[i1], s.w[16]+s.w[i1]+s.floor
		both1, first1 := s.w[16]-s.w[i1], s.first[16]-s.first[i1]
		for i2 := i1; i2 < 17; i2++ {
			// What at gives, by hand, as this is where the time goes: most often no choice comes near.
			wx, base := wx1-s.wx[i2], base1-s.w[i2]
			both, first := 0.25*(both1-s.w[i2]), 0.5*(first1-s.first[i2])
			differ := first - both
			x0, x1 := math.Abs(wx+shift0)+slack, math.Abs(wx+shift1)+slack
			x2, x3 := math.Abs(wx-shift1)+slack, math.Abs(wx-shift0)+slack
			if x0*x0 < t*(base+both) && x1*x1 < t*(base+differ) && x2*x2 < t*(base-differ) && x3*x3 < t*(base-both) {
				continue
			}
			for k, c := range [4]splitCandidate{
				{sumqx: wx + shift0, sumq2: base + both},
				{sumqx: wx + shift1, sumq2: base + differ},
				{sumqx: wx - shift1, sumq2: base - differ},
				{sumqx: wx - shift0, sumq2: base - both},
			} {
				if !s.below(&c, threshold) {
					c.first, c.second, c.shift = uint8(i1), uint8(i2), uint8(k)
					s.found[s.n] = c
					s.n++
					best = better(best, c.sumqx, c.sumq2)
					threshold = best * near
					t = threshold * (1 - splitMargin)
				}
			}
		}
	}
	return best
}

// better returns the score of the sums if it is above best, or best.
func better(best, sumqx, sumq2 float64) float64 {
	if sumqx*sumqx > best*sumq2 {
		return sumqx * sumqx / sumq2
	}
	return best
}

// search returns the split that the float32 sums define.
func (s *splitScores) search(order *[16]uint8, x, w *[16]float32) split {
	s.prepare(order, x, w)
	best := split{shift: -1, score: -maxFloat32}
	top := s.scan(s.climb(order, x))
	// Candidates below a threshold may be left out when all others are surely above it: whichever of those comes
	// first is taken whatever came before, and none of the lower ones after it is.
	for margin := 0x1p-13; margin < 0x1p-8; margin *= 2 {
		threshold := top * (1 - margin)
		if !(threshold*s.floor > 1e-30 && s.floor > 1e-30) {
			break // close to where float32 loses digits, or NaN
		}
		clear := true
		for i := range s.found[:s.n] {
			c := &s.found[i]
			if !s.below(c, threshold) && !s.above(c, threshold) {
				clear = false
				break
			}
		}
		if clear {
			for i := range s.found[:s.n] {
				if c := &s.found[i]; s.above(c, threshold) {
					best.consider(order, x, w, int(c.first), int(c.second), int(c.shift))
				}
			}
			return best
		}
	}
	for i1 := range 17 {
		for i2 := i1; i2 <= 16; i2++ {
			for k := range 4 {
				best.consider(order, x, w, i1, i2, k)
			}
		}
	}
	return best
}

// consider takes a split when it correlates better, by float32 sums over the elements in order.
func (s *split) consider(order *[16]uint8, x, w *[16]float32, first, second, shift int) {
	values := [2]*[4]float32{iq1mShift(shift, 0), iq1mShift(shift, 1)}
	var sumqx, sumq2 float32
	for j, i := range order {
		i &= 15
		level := 2
		if j < first {
			level = 0
		} else if j < second {
			level = 1
		}
		q := values[i>>3][level]
		wq := float32(w[i] * q)
		sumqx += float32(wq * x[i])
		sumq2 += float32(wq * q)
	}
	if sumq2 > 0 && float32(sumqx*sumqx) > float32(s.score*sumq2) {
		scale := sumqx / sumq2
		*s = split{first, second, shift, scale, float32(scale * sumqx)}
	}
}
