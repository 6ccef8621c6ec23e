package codec

import (
	"math"
	"math/bits"
)

// The IQ2 and IQ3 formats store magnitudes and signs apart, the signs of 8 elements in 8 bits, or in 7 when
// their number of minus signs is made even.

// splitSigns stores the magnitudes of x in dst and returns the signs, element i in bit i.
func splitSigns(dst, x []float32) (signs uint8) {
	x = x[:8]
	for i, v := range x {
		if !(v >= 0) {
			v = -v
			signs |= 1 << i
		}
		dst[i] = v
	}
	return signs
}

// splitEvenSigns does the same with an even number of signs: if need be, it flips that of the element whose
// weight w·x² is least, and so leaves a negative magnitude. The eighth sign follows from the others and is cut off.
func splitEvenSigns(dst, x, w []float32) (signs uint8) {
	signs = splitSigns(dst, x)
	if bits.OnesCount8(signs)&1 != 0 {
		x, w = x[:8], w[:8]
		least, at := maxFloat32, 0
		for i, v := range x {
			if e := float32(float32(w[i]*v) * v); e < least || i == 0 {
				least, at = e, i
			}
		}
		dst[at] = -dst[at]
		signs ^= 1 << at
	}
	return signs & 127
}

// scaledLevels returns the values of the levels, scaled.
func scaledLevels(scale float32, levels *[8]float32) (v [8]float32) {
	for i, l := range levels {
		v[i] = scale * l
	}
	return v
}

const maxFloat32 = float32(math.MaxFloat32)

// greatest returns the largest element, or the first when it is NaN.
func greatest(x []float32) float32 {
	m := x[0]
	for _, v := range x[1:] {
		if v > m {
			m = v
		}
	}
	return m
}

// oddScale rounds scale*inverse to an odd number and returns 0..limit for 1, 3, 5...
func oddScale(scale, inverse float32, limit int32) uint32 {
	return uint32(oddLevel(scale, inverse, limit))
}
