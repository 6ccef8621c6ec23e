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
	stepOfZero = 0x4b400000 // the bits of stepBias (search_symmetric.go)
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
