package stats

import "math"

// Limits is an estimate that knows its one-sided confidence limits.
type Limits interface {
	// Estimate is the figure itself.
	Estimate() float64
	// StdErr is its standard error.
	StdErr() float64
	// Lower is the limit that the true figure is above with confidence 1-alpha.
	Lower(alpha float64) float64
	// Upper is the limit that the true figure is below with confidence 1-alpha.
	Upper(alpha float64) float64
	// PBelow is the one-sided p-value of the claim that the true figure is below bound (small = shown).
	PBelow(bound float64) float64
	// PAbove is the one-sided p-value of the claim that the true figure is above bound.
	PAbove(bound float64) float64
}

// Interval is the two-sided confidence interval of a level such as 0.95.
func Interval(l Limits, level float64) (low, high float64) {
	alpha := (1 - level) / 2
	return l.Lower(alpha), l.Upper(alpha)
}

// Exact is a figure without error, as a file's size.
type Exact float64

func (e Exact) Estimate() float64     { return float64(e) }
func (e Exact) StdErr() float64       { return 0 }
func (e Exact) Lower(float64) float64 { return float64(e) }
func (e Exact) Upper(float64) float64 { return float64(e) }
func (e Exact) PBelow(b float64) float64 {
	if float64(e) <= b {
		return 0
	}
	return 1
}
func (e Exact) PAbove(b float64) float64 {
	if float64(e) >= b {
		return 0
	}
	return 1
}

// Monotone shows limits on another scale: f is increasing and inverse its inverse, as exp and log for ratios.
type Monotone struct {
	Limits
	F, Inverse func(float64) float64
	Slope      func(float64) float64 // of F, for the standard error
}

// Exp shows limits of a logarithm as limits of the figure.
func Exp(l Limits) Limits {
	return Monotone{l, math.Exp, func(y float64) float64 { return math.Log(math.Max(0, y)) }, math.Exp}
}

// Scaled shows limits times a positive factor plus an offset.
func Scaled(l Limits, factor, offset float64) Limits {
	return Monotone{l, func(x float64) float64 { return x*factor + offset },
		func(y float64) float64 { return (y - offset) / factor }, func(float64) float64 { return factor }}
}

// Sqrt shows limits of a square, as a mean square's, as limits of its root. Negative limits are 0.
func Sqrt(l Limits) Limits {
	root := func(x float64) float64 { return math.Sqrt(math.Max(0, x)) }
	return Monotone{l, root, func(y float64) float64 {
		if y < 0 {
			return math.Inf(-1)
		}
		return y * y
	}, func(x float64) float64 {
		if x <= 0 {
			return 0
		}
		return 0.5 / math.Sqrt(x)
	}}
}

func (m Monotone) Estimate() float64 { return m.F(m.Limits.Estimate()) }
func (m Monotone) StdErr() float64 {
	return math.Abs(m.Slope(m.Limits.Estimate())) * m.Limits.StdErr()
}
func (m Monotone) Lower(alpha float64) float64 { return m.F(m.Limits.Lower(alpha)) }
func (m Monotone) Upper(alpha float64) float64 { return m.F(m.Limits.Upper(alpha)) }
func (m Monotone) PBelow(b float64) float64    { return m.Limits.PBelow(m.Inverse(b)) }
func (m Monotone) PAbove(b float64) float64    { return m.Limits.PAbove(m.Inverse(b)) }

// Band is a figure that is certain to a reach: measured once, on something whose spread is known.
type Band struct{ Value, Reach float64 }

func (b Band) Estimate() float64        { return b.Value }
func (b Band) StdErr() float64          { return b.Reach / 2 }
func (b Band) Lower(float64) float64    { return b.Value - b.Reach }
func (b Band) Upper(float64) float64    { return b.Value + b.Reach }
func (b Band) PBelow(x float64) float64 { return Exact(b.Value + b.Reach).PBelow(x) }
func (b Band) PAbove(x float64) float64 { return Exact(b.Value - b.Reach).PAbove(x) }
