package stats

import "math"

// Cluster is one chunk's share of a ratio of sums: Sum over Weight, as a sum of divergences over tokens.
type Cluster struct{ Sum, Weight float64 }

// Ratio is sum(Sum)/sum(Weight) over clusters with the standard error of the ratio estimator (Cochran,
// Sampling Techniques, 1977, ch. 6): sqrt(C/(C-1) sum((s-r*w)^2)) / sum(w). With equal weights that is
// sd(cluster means)/sqrt(clusters). Sums are taken in the order given.
func Ratio(c []Cluster) Student {
	var sum, weight float64
	for _, x := range c {
		sum += x.Sum
		weight += x.Weight
	}
	r := sum / weight
	return linear(r, len(c), func(i int) float64 { return (c[i].Sum - r*c[i].Weight) / weight })
}

// linear is an estimate to which cluster i of n contributes part(i); the parts sum to about 0. The skewness is the
// adjusted one of Fisher and Pearson.
func linear(value float64, n int, part func(i int) float64) Student {
	var sq, cube float64
	for i := range n {
		d := part(i)
		sq += d * d
		cube += d * d * d
	}
	m := float64(n)
	s := Student{Value: value, DF: m - 1}
	if n > 1 {
		s.Err = math.Sqrt(m / (m - 1) * sq)
	}
	if n > 2 && sq > 0 {
		s.Skew = cube / math.Pow(sq, 1.5) * math.Sqrt(m*(m-1)) / (m - 2)
	}
	return s
}

// LogQuotient is the limits of log(Ratio(a)/Ratio(b)) for clusters paired by position, by the delta method: their
// correlation makes it far more exact than either. Both ratios must be positive; otherwise ok is false.
func LogQuotient(a, b []Cluster) (s Student, ok bool) {
	ra, rb := Ratio(a).Value, Ratio(b).Value
	if len(a) != len(b) || !(ra > 0) || !(rb > 0) {
		return Student{}, false
	}
	var wa, wb float64
	for i := range a {
		wa += a[i].Weight
		wb += b[i].Weight
	}
	return linear(math.Log(ra/rb), len(a), func(i int) float64 {
		return (a[i].Sum-ra*a[i].Weight)/(ra*wa) - (b[i].Sum-rb*b[i].Weight)/(rb*wb)
	}), true
}

// LogQuotientUnpaired is LogQuotient of independent samples, with Welch's degrees of freedom.
func LogQuotientUnpaired(a, b Student) (s Student, ok bool) {
	if !(a.Value > 0) || !(b.Value > 0) {
		return Student{}, false
	}
	log := func(s Student) Student { s.Value, s.Err = math.Log(s.Value), s.Err/s.Value; return s }
	return Difference(log(a), log(b)), true
}

// Difference is the limits of a - b for independent samples, with Welch's degrees of freedom. Third moments add up
// as variances do.
func Difference(a, b Student) Student {
	va, vb := a.Err*a.Err, b.Err*b.Err
	s := Student{Value: a.Value - b.Value, Err: math.Sqrt(va + vb), DF: welch(va, vb, a.DF, b.DF)}
	if s.Err > 0 {
		s.Skew = (a.Skew*va*a.Err - b.Skew*vb*b.Err) / (s.Err * s.Err * s.Err)
	}
	return s
}

// welch is the degrees of freedom of a sum of two estimates with variances va and vb (Welch, 1947).
func welch(va, vb, dfa, dfb float64) float64 {
	switch {
	case dfa < 1 || dfb < 1:
		return 0
	case va+vb == 0:
		return math.Min(dfa, dfb)
	}
	return (va + vb) * (va + vb) / (va*va/dfa + vb*vb/dfb)
}
