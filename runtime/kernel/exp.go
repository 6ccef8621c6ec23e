package kernel

import "math"

// The constants of exp32. ln 2 is the sum of two parts, of which the first has so few bits that n times it is exact.
const (
	expLow, expHigh = -88, 88.5
	expMagic        = 0x1.8p23 + 127 // a float32 near it is an integer, whose lowest bits are those of n + 127
	log2e           = 0x1.715476p+0
	ln2High         = 0x1.63p-1
	ln2Low          = -0x1.bd0106p-13

	// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: the minimax polynomial of the relative error of exp, which is 3e-9.
	exp2, exp3, exp4, exp5, exp6 = 0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558b0p-5, 0x1.12398ep-7, 0x1.6a4d60p-10
)

// exp32 is the exponential function, within one unit in the last place; the same bits on every tier. What would be more
// than exp(127.5 ln 2) is +Inf, and what would be less than exp(-126.5 ln 2), a subnormal number, is 0.
//
// With n the integer nearest to x / ln 2, exp(x) = 2^n exp(x - n ln 2).
func exp32(x float32) float32 {
	if expHigh < x {
		x = expHigh
	}
	if expLow > x {
		x = expLow
	}
	t := fma32(x, log2e, expMagic)
	n := t - expMagic
	r := fma32(n, -ln2Low, fma32(n, -ln2High, x))
	p := fma32(exp6, r, exp5)
	p = fma32(p, r, exp4)
	p = fma32(p, r, exp3)
	p = fma32(p, r, exp2)
	p = fma32(p, r, 1)
	p = fma32(p, r, 1)
	return float32(p * math.Float32frombits(math.Float32bits(t)<<23))
}

// logistic is x / (1 + exp(y)).
func logistic(x, y float32) float32 { return x / (1 + exp32(y)) }

// silu is x / (1 + exp(-x)).
func silu(x float32) float32 { return logistic(x, -x) }

// gelu is the tanh approximation of GELU: 0.5x(1 + tanh(y)) = x / (1 + exp(-2y)), y = sqrt(2/pi) (x + 0.044715x^3).
func gelu(x float32) float32 {
	const linear, cubic = -2 * 0x1.988454p-1, -0x1.2444f2p-4 // -2 sqrt(2/pi), and 0.044715 times that
	return logistic(x, float32(fma32(float32(x*x), cubic, linear)*x))
}

// Sigmoid is 1 / (1 + exp(-x)).
func Sigmoid(x float32) float32 { return logistic(1, -x) }
