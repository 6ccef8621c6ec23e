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
	var sq float64
	for _, x := range c {
		d := x.Sum - r*x.Weight
		sq += d * d
	}
	n := float64(len(c))
	s := Student{Value: r, DF: n - 1}
	if n > 1 {
		s.Err = math.Sqrt(n/(n-1)*sq) / weight
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
	var sq float64
	for i := range a {
		d := (a[i].Sum-ra*a[i].Weight)/(ra*wa) - (b[i].Sum-rb*b[i].Weight)/(rb*wb)
		sq += d * d
	}
	n := float64(len(a))
	s = Student{Value: math.Log(ra / rb), DF: n - 1}
	if n > 1 {
		s.Err = math.Sqrt(n / (n - 1) * sq)
	}
	return s, true
}

// LogQuotientUnpaired is LogQuotient of independent samples, with Welch's degrees of freedom.
func LogQuotientUnpaired(a, b Student) (s Student, ok bool) {
	if !(a.Value > 0) || !(b.Value > 0) {
		return Student{}, false
	}
	va, vb := a.Err*a.Err/(a.Value*a.Value), b.Err*b.Err/(b.Value*b.Value)
	return Student{Value: math.Log(a.Value / b.Value), Err: math.Sqrt(va + vb), DF: welch(va, vb, a.DF, b.DF)}, true
}

// Difference is the limits of a - b for independent samples, with Welch's degrees of freedom.
func Difference(a, b Student) Student {
	va, vb := a.Err*a.Err, b.Err*b.Err
	return Student{Value: a.Value - b.Value, Err: math.Sqrt(va + vb), DF: welch(va, vb, a.DF, b.DF)}
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
