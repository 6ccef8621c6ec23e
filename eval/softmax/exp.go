package softmax

import "math"

// The constants of exp.
const (
	// least is where exp is taken to be 0: far below what changes a sum that has a 1 in it.
	least = -700
	// A float64 near magic is an integer, whose lowest bits are those of n + 1023.
	magic = 0x1.8p52 + 1023
	log2e = 0x1.71547652b82fep+0
	// ln 2 is the sum of two parts.
	ln2High = 0x1.62e42fefa39efp-1
	ln2Low  = 0x1.abc9e3b39803fp-56

	// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: the minimax polynomial of the relative error of exp, which is 1.1e-17
	// with these coefficients.
	exp2, exp3, exp4, exp5 = 0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.555555555088cp-5, 0x1.1111111127b9dp-7
	exp6, exp7, exp8, exp9 = 0x1.6c16c184266a5p-10, 0x1.a01a012a692bap-13, 0x1.a0199a16e7b0ep-16, 0x1.71df253b44441p-19
	exp10, exp11           = 0x1.28ad689e450f1p-22, 0x1.ad7f795661dd4p-26
)

// exp is e^x for x <= 0; NaN for NaN. Products are added unrounded, which math.FMA does on every platform.
//
// With n the integer nearest to x / ln 2, exp(x) = 2^n exp(x - n ln 2).
func exp(x float64) float64 {
	if x < least {
		return 0
	}
	t := math.FMA(x, log2e, magic)
	n := t - magic
	r := math.FMA(n, -ln2Low, math.FMA(n, -ln2High, x))
	p := math.FMA(exp11, r, exp10)
	p = math.FMA(p, r, exp9)
	p = math.FMA(p, r, exp8)
	p = math.FMA(p, r, exp7)
	p = math.FMA(p, r, exp6)
	p = math.FMA(p, r, exp5)
	p = math.FMA(p, r, exp4)
	p = math.FMA(p, r, exp3)
	p = math.FMA(p, r, exp2)
	p = math.FMA(p, r, 1)
	p = math.FMA(p, r, 1)
	return float64(p * math.Float64frombits(math.Float64bits(t)<<52))
}
