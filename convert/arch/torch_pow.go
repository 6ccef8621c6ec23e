package arch

import "math"

// torchPow is `base ** exponents` of a scalar and a tensor as PyTorch computes it in float32 on x86-64 with AVX-512,
// bit for bit, for bases above 0 and exponents from 0 to below 1. It is not the power rounded once: two values in a
// hundred differ from that in their last bit.
//
// PyTorch takes whole blocks of two vectors through SLEEF's xpowf, a method accurate to 1.0 ulp: the logarithm, the
// product with the exponent and the exponential are computed in double-float arithmetic, pairs of float32 whose sum
// is the number (SLEEF's df.h). What is left of the tensor, and all of a tensor shorter than a block, goes one by
// one through the C library's powf. A block is 32 values with AVX-512 and 16 with AVX2, which is all that sets the
// two apart: they agree on heads of 64, 128, 192 and 256 dimensions, and on others in all but a few values. It is
// AVX-512 here because the golden results were computed with it: PyTorch repeats the logits among them to the last
// digit with AVX-512, and not with AVX2.
//
// The power of what is left is rounded once here; glibc's powf is another in one value of 1,600.
func torchPow(base float64, exponents []float32) []float32 {
	const block = 32
	b := float32(base)
	whole := len(exponents) / block * block
	if b < 0x1p-126 || b > math.MaxFloat32 {
		whole = 0 // 0 and infinity have powers of their own in SLEEF, and bases just above 0 are of no use
	}
	out := make([]float32, len(exponents))
	if whole > 0 {
		log := logPair(b)
		for i, y := range exponents[:whole] {
			out[i] = log.times(float(y)).exp()
		}
	}
	for i, y := range exponents[whole:] {
		out[whole+i] = float32(math.Pow(float64(b), float64(y)))
	}
	return out
}

// pair is a double-float number, hi + lo. The order of its operations is SLEEF's, and each is rounded to float32:
// products that are added to are converted, so that no compiler fuses them.
type pair struct{ hi, lo float32 }

func float(x float32) pair { return pair{x, 0} }

// plus is the sum of two numbers, exact in hi and, where x may be the smaller one, after Knuth.
func (x pair) plus(y pair) pair {
	s := x.hi + y.hi
	v := s - x.hi
	return pair{s, ((x.hi - (s - v)) + (y.hi - v)) + (x.lo + y.lo)}
}

// plusSmaller is the same after Dekker, for |x| >= |y|.
func (x pair) plusSmaller(y pair) pair {
	s := x.hi + y.hi
	return pair{s, ((x.hi - s) + y.hi + x.lo) + y.lo}
}

func (x pair) times(y pair) pair {
	s := float32(x.hi * y.hi)
	return pair{s, fma32(x.hi, y.lo, fma32(x.lo, y.hi, fma32(x.hi, y.hi, -s)))}
}

func (x pair) square() pair {
	s := float32(x.hi * x.hi)
	return pair{s, fma32(x.hi+x.hi, x.lo, fma32(x.hi, x.hi, -s))}
}

func (x pair) over(y pair) pair {
	t := 1 / y.hi
	s := float32(x.hi * t)
	rest := fma32(-y.lo, t, fma32(-y.hi, t, 1))
	return pair{s, fma32(s, rest, fma32(x.lo, t, fma32(t, x.hi, -s)))}
}

// polynomial is evaluated by Horner's rule, the highest coefficient first.
func polynomial(x float32, coefficients ...float32) float32 {
	var sum float32
	for _, c := range coefficients {
		sum = fma32(sum, x, c)
	}
	return sum
}

// logPair is the natural logarithm of d = m * 2**e with m from 0.75 to 1.5: e ln 2 + 2 artanh((m-1) / (m+1)).
func logPair(d float32) pair {
	fraction, e := math.Frexp(float64(d)) // from 0.5 to 1
	if fraction < 0.75 {
		fraction, e = 2*fraction, e-1
	}
	m := float32(fraction)
	x := float(-1).plus(float(m)).over(float(1).plus(float(m)))
	x2 := x.square()
	t := polynomial(x2.hi, 0.240320354700088500976562, 0.285112679004669189453125, 0.400007992982864379882812)
	series := x2.times(float(t)).plus(pair{0.66666662693023681640625, 3.69183861259614332084311e-09})
	ln2 := pair{0.69314718246459960938, -1.904654323148236017e-09}
	return ln2.times(float(float32(e))).plusSmaller(pair{2 * x.hi, 2 * x.lo}).plusSmaller(x2.times(x).times(series))
}

// exp is e**x, by x = q ln 2 + s.
func (x pair) exp() float32 {
	q := float32(math.RoundToEven(float64((x.hi + x.lo) * math.Log2E)))
	s := x.plus(float(float32(q * -0.693145751953125))).plus(float(float32(q * -1.428606765330187045e-06)))
	hi := s.hi + s.lo
	s = pair{hi, (s.hi - hi) + s.lo}
	u := polynomial(s.hi, 0.00136324646882712841033936, 0.00836596917361021041870117, 0.0416710823774337768554688,
		0.166665524244308471679688, 0.499999850988388061523438)
	t := float(1).plusSmaller(s.plusSmaller(s.square().times(float(u))))
	return float32(math.Ldexp(float64(t.hi+t.lo), int(q)))
}

// fma32 is a*b + c, rounded once. The product is exact in float64. The sum is rounded to odd there: of the two
// float64 beside it the one whose last bit is set, so that rounding it again to float32 makes no tie of what is none.
func fma32(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	v := s - p
	rest := (p - (s - v)) + (z - v)
	bits := math.Float64bits(s)
	if rest != 0 && bits&1 == 0 {
		if (rest > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}
