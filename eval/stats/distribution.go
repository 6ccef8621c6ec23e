package stats

import "math"

// NormalCDF is the standard normal distribution function.
func NormalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// NormalQuantile is the inverse of NormalCDF.
func NormalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// StudentCDF is the distribution function of Student's t with df degrees of freedom.
func StudentCDF(t, df float64) float64 {
	if df > 1e7 || math.IsInf(t, 0) { // no further from the normal one than 1e-8
		return NormalCDF(t)
	}
	var tail float64
	if t*t < df { // of the two equal forms the one that loses no digits
		tail = 0.5 * (1 - incompleteBeta(0.5, df/2, t*t/(df+t*t)))
	} else {
		tail = 0.5 * incompleteBeta(df/2, 0.5, df/(df+t*t))
	}
	if t > 0 {
		return 1 - tail
	}
	return tail
}

// StudentQuantile is the inverse of StudentCDF, by bisection to the last bits.
func StudentQuantile(p, df float64) float64 {
	switch {
	case p <= 0:
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	case p == 0.5:
		return 0
	case p > 0.5:
		return -StudentQuantile(1-p, df) // the lower tail is the exact one
	}
	lo, hi := -1.0, 0.0
	for StudentCDF(lo, df) > p {
		lo *= 2
		if math.IsInf(lo, 0) {
			return lo
		}
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid == lo || mid == hi {
			break
		}
		if StudentCDF(mid, df) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// incompleteBeta is the regularized incomplete beta function I_x(a, b), by the continued fraction of
// Abramowitz and Stegun 26.5.8 in the modified Lentz method.
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := range 500 {
		m := float64(i / 2)
		var num float64
		switch {
		case i == 0:
			num = 1
		case i%2 == 0:
			num = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			num = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + num*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + num/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-15 {
			break
		}
	}
	return front * (f - 1)
}
