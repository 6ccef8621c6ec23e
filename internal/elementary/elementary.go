// Package elementary has elementary functions of float64 whose results are the same bits on every platform.
//
// Those of package math are not: some are assembly on some processors, and where multiply and add can be one instruction
// the compiler uses it. Here every product is rounded before something is added to it, and only +, -, *, / and what is
// exact are used. Results are within a few units in the last place, which is what angles, scales and limits of float32
// computation need.
package elementary

import "math"

// terms is the number of terms of the series, enough for arguments up to 1.
const terms = 10

// evenTerms are 1/(2k)!, oddTerms 1/(2k+1)!.
var evenTerms, oddTerms = func() (even, odd [terms]float64) {
	f := 1.0
	for k := range terms {
		if k > 0 {
			f *= float64(2 * k)
		}
		even[k] = 1 / f
		f *= float64(2*k + 1)
		odd[k] = 1 / f
	}
	return even, odd
}()

// series returns cosh(sqrt(z)) and sinh(sqrt(z))/sqrt(z) for |z| <= 1; with z negative these are those of cos and sin.
func series(z float64) (even, odd float64) {
	for k := terms - 1; k >= 0; k-- {
		even = evenTerms[k] + float64(even*z)
		odd = oddTerms[k] + float64(odd*z)
	}
	return even, odd
}

// The constants of reductions are split: products of the leading parts with integers of up to 23 bits are exact.
const (
	ln2High, ln2Low = 0x1.62e42feep-1, 0x1.a39ef35793c76p-33
	halfPi1         = 0x1.921fb54p0
	halfPi2         = 0x1.10b4611p-30
	halfPi3         = 0x1.4c4c6628b80dcp-59
	mostTurns       = 1 << 23 // above it the angle is taken modulo 2 pi as float64
)

// Sincos returns the sine and the cosine of x, within 1e-16 or so where |x| < 2^23. They are NaN for what is not finite.
func Sincos(x float64) (sin, cos float64) {
	if x-x != 0 {
		return math.NaN(), math.NaN()
	}
	if math.Abs(x) > mostTurns {
		x = math.Mod(x, 2*math.Pi)
	}
	n := math.RoundToEven(float64(x * (2 / math.Pi)))
	r := x - float64(n*halfPi1)
	r -= float64(n * halfPi2)
	r -= float64(n * halfPi3)
	cos, sin = series(float64(-r * r))
	sin = float64(sin * r)
	switch int64(n) & 3 {
	case 1:
		sin, cos = cos, -sin
	case 2:
		sin, cos = -sin, -cos
	case 3:
		sin, cos = -cos, sin
	}
	return sin, cos
}

// Exp returns e to the power of x. What would be below 1e-307 is 0.
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709:
		return math.Inf(1)
	case x < -706:
		return 0
	}
	n := math.RoundToEven(float64(x * math.Log2E))
	r := x - float64(n*ln2High)
	r -= float64(n * ln2Low)
	even, odd := series(float64(r * r))
	return float64(float64(even+float64(odd*r)) * math.Float64frombits(uint64(1023+int64(n))<<52))
}

// Log returns the natural logarithm of x.
func Log(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log(x) // 0, negative, infinite or no number
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// log(m) = 2 artanh(s), |s| < 0.172.
	s := (m - 1) / (m + 1)
	z, sum := float64(s*s), 0.0
	for k := 12; k >= 0; k-- {
		sum = 1/float64(2*k+1) + float64(sum*z)
	}
	n := float64(e)
	return float64(n*ln2High) + (float64(n*ln2Low) + float64(2*s*sum))
}

// Pow returns x to the power of y for x > 0, with a relative error of about 1e-16 |y log x|.
func Pow(x, y float64) float64 { return Exp(float64(y * Log(x))) }

// Tanh returns the hyperbolic tangent of x.
func Tanh(x float64) float64 {
	switch a := math.Abs(x); {
	case a < 1:
		even, odd := series(float64(x * x))
		return float64(x*odd) / even
	case a > 40:
		return math.Copysign(1, x)
	default: // NaN, too
		return math.Copysign(1-2/(Exp(2*a)+1), x)
	}
}
