package kernel

import "math"

// fmaPlain is a*b + c rounded once, to the nearest float32, ties to even: what VFMADD and FMLA compute. (Which NaN comes
// out of an invalid operation is not defined.)
//
// The product is exact in float64, and the sum has 53 bits. Rounding these once more, to 24, goes wrong only where they
// lie half-way between two float32, or where the result is subnormal and keeps fewer than 24.
func fmaPlain(a, b, c float32) float32 {
	sum := float64(a)*float64(b) + float64(c)
	if u := math.Float64bits(sum) << 1; u<<34 == 1<<63 || u < smallestNormal {
		return fmaByOdd(a, b, c)
	}
	return float32(sum)
}

// smallestNormal is the smallest float32 with 24 bits, 2^-126, as the bits of a float64 without the sign.
const smallestNormal = 0x381 << 53

// fmaByOdd is fmaPlain for all operands whose product and sum are finite: the sum is rounded to odd first, so that its last
// bit is 1 if it is inexact. What is then rounded to fewer bits is as if rounded once (Boldo and Melquiond, Emulation
// of FMA and Correctly Rounded Sums, 2008).
//
//go:noinline
func fmaByOdd(a, b, c float32) float32 {
	x, y := float64(a)*float64(b), float64(c)
	sum := x + y
	part := sum - x
	rest := (x - (sum - part)) + (y - part) // x + y - sum, exactly (Knuth's TwoSum)
	u := math.Float64bits(sum)
	switch {
	case rest == 0 || u&1 == 1:
		return float32(sum)
	case rest > 0 == (sum > 0):
		return float32(math.Float64frombits(u + 1))
	default:
		return float32(math.Float64frombits(u - 1))
	}
}
