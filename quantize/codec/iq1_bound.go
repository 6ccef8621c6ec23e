package codec

import "math"

// iq1mBound bounds the score (Σwxq)²/Σwq² of the splits of IQ1_M in a few operations, by prefix sums in float64
// over the sorted elements. With q = l-1 + s/8, l the level and s = ±1 the shift of a group,
//
//	Σwxq = Σwx(l-1) + Σ swx/8             the last term does not depend on the split
//	Σwq² = Σw(l-1)² + Σ sw(l-1)/4 + Σw/64
type iq1mBound struct {
	wx, w, first   [17]float64 // prefix sums of w*x, w, and w in the first group
	shift0, shift1 float64     // Σ swx/8 for shifts ++ and +-; those of -- and -+ are the negatives
	groups         [2]float64  // Σwx of the groups
	floor          float64     // Σw/64, the least Σwq² can be
	slack          float64     // bounds how far rounding moves the float32 Σwxq
}

// add takes element j in sorted order.
func (b *iq1mBound) add(j int, second bool, x, w float32) {
	wx := float64(w) * float64(x)
	b.wx[j+1] = b.wx[j] + wx
	b.w[j+1] = b.w[j] + float64(w)
	b.first[j+1] = b.first[j]
	if second {
		b.groups[1] += wx
	} else {
		b.groups[0] += wx
		b.first[j+1] += float64(w)
	}
	b.slack += math.Abs(wx)
}

func (b *iq1mBound) finish() {
	b.shift0 = (b.groups[0] + b.groups[1]) / 8
	b.shift1 = (b.groups[0] - b.groups[1]) / 8
	b.floor = b.w[16] / 64
	// Two products and 15 additions err by at most 18 roundings of 2^-24 of the sum of magnitudes; this is thrice that.
	b.slack *= 0x1p-18 * 1.125
}

// excludes reports that in float32 no choice of shifts can make the split at i1 and i2 beat score. It never does
// where sums come near the least normal float32.
func (b *iq1mBound) excludes(i1, i2 int, score float32) bool {
	s := float64(score) * (1 - 0x1p-16)
	if !(b.floor > 1e-30 && s*b.floor > 1e-30) {
		return false
	}
	wx := b.wx[16] - b.wx[i1] - b.wx[i2]
	first := b.first[16] - b.first[i1] - b.first[i2]
	second := b.w[16] - b.w[i1] - b.w[i2] - first
	base := b.w[16] - b.w[i2] + b.w[i1] + b.floor
	same, differ := (first+second)/4, (first-second)/4
	x0, x1 := math.Abs(wx+b.shift0)+b.slack, math.Abs(wx+b.shift1)+b.slack
	x2, x3 := math.Abs(wx-b.shift1)+b.slack, math.Abs(wx-b.shift0)+b.slack
	return x0*x0 < s*(base+same) && x1*x1 < s*(base+differ) && x2*x2 < s*(base-differ) && x3*x3 < s*(base-same)
}
