package kernel

import "github.com/carat-llm/carat/internal/elementary"

// Activations of few families: plain Go, the same bits on every tier.

// plainly computes f over the elements of x, in parallel.
func (p *Pool) plainly(x, y []float32, f func(r *ranges, first, end int)) {
	p.ranges(ranges{n: len(x), size: elementwise, dst: x, x: y, op: f})
}

// ReLUSquared sets x[i] to the square of max(0, x[i]).
func (p *Pool) ReLUSquared(x []float32) {
	p.plainly(x, nil, func(r *ranges, first, end int) {
		for i, v := range r.dst[first:end] {
			v = max(0, v)
			r.dst[first+i] = v * v
		}
	})
}

// ReLU sets x[i] to max(0, x[i]).
func (p *Pool) ReLU(x []float32) {
	p.plainly(x, nil, func(r *ranges, first, end int) {
		for i, v := range r.dst[first:end] {
			r.dst[first+i] = max(0, v)
		}
	})
}

// SiLU sets x[i] to x[i] / (1 + exp(-x[i])).
func (p *Pool) SiLU(x []float32) {
	p.plainly(x, nil, func(r *ranges, first, end int) { SiLU(r.dst[first:end]) })
}

// SiLU is Pool.SiLU by the caller alone.
func SiLU(x []float32) {
	for i, v := range x {
		x[i] = silu(v)
	}
}

// ExactGELU sets x[i] to x[i] times the normal distribution at x[i], which is GELU as it is defined.
func (p *Pool) ExactGELU(x []float32) {
	p.plainly(x, nil, func(r *ranges, first, end int) {
		for i, v := range r.dst[first:end] {
			r.dst[first+i] = exactGELU(v)
		}
	})
}

// ExactGeGLU sets gate[i] to ExactGELU of it, times up[i].
func (p *Pool) ExactGeGLU(gate, up []float32) {
	p.plainly(gate, up, func(r *ranges, first, end int) {
		for i, v := range r.dst[first:end] {
			r.dst[first+i] = exactGELU(v) * r.x[first+i]
		}
	})
}

// TimesSigmoid sets x[i] *= sigmoid(gate[i]).
func (p *Pool) TimesSigmoid(x, gate []float32) {
	p.plainly(x, gate, func(r *ranges, first, end int) {
		for i, v := range r.x[first:end] {
			r.dst[first+i] *= Sigmoid(v)
		}
	})
}

// LimitedSwiGLU sets gate[i] to (up[i] + 1) * gate[i] * sigmoid(1.702 gate[i]), after gate[i] was limited to at most 7 and up[i] to
// -7..7 (gpt-oss).
func (p *Pool) LimitedSwiGLU(gate, up []float32) {
	const limit, slope = 7, 1.702
	p.plainly(gate, up, func(r *ranges, first, end int) {
		for i, v := range r.dst[first:end] {
			v = min(limit, v)
			r.dst[first+i] = (min(limit, max(-limit, r.x[first+i])) + 1) * logistic(v, float32(-slope*v))
		}
	})
}

// XIELU returns the function that sets x[i] to an activation of four parameters (Huang and Schlag 2024) of it: above 0,
// positive*x^2 + beta*x, and otherwise negative*(exp(min(x, eps)) - 1 - x) + beta*x.
func XIELU(positive, negative, beta, eps float32) func(p *Pool, x []float32) {
	parameters := []float32{positive, negative, beta, eps}
	return func(p *Pool, x []float32) {
		p.ranges(ranges{n: len(x), size: elementwise, dst: x, weight: parameters, op: func(r *ranges, first, end int) {
			positive, negative, beta, eps := r.weight[0], r.weight[1], r.weight[2], r.weight[3]
			for i, v := range r.dst[first:end] {
				if v > 0 {
					v = float32(float32(positive*v)*v) + float32(beta*v)
				} else {
					v = float32((exp32(min(v, eps))-1-v)*negative) + float32(beta*v)
				}
				r.dst[first+i] = v
			}
		}})
	}
}

// Times sets x[i] *= y[i].
func (p *Pool) Times(x, y []float32) {
	p.plainly(x, y, func(r *ranges, first, end int) {
		for i, v := range r.x[first:end] {
			r.dst[first+i] *= v
		}
	})
}

// Exp sets x[i] to exp(x[i]); ExpOf is exp(x).
func Exp(x []float32)         { active().exp(x) }
func ExpOf(x float32) float32 { return exp32(x) }

// Softplus is log(1 + exp(x)).
func Softplus(x float32) float32 {
	switch {
	case x > 20:
		return x
	case x < -18: // where log(1+y) is y
		return exp32(x)
	}
	return float32(elementary.Log(1 + elementary.Exp(float64(x))))
}

// exactGELU is x times half the complementary error function of -x/sqrt(2).
func exactGELU(x float32) float32 {
	const root = 0x1.6a09e6p-1
	half := 0.5 * erfc(float32(max(x, -x)*root))
	if x < 0 {
		return float32(x * half)
	}
	return float32(x * (1 - half))
}

// erfcTerms are those of a fit of log(erfc(x)/t) + x^2 in t = 1/(1+x/2), of which erfc has a relative error of 1.2e-7 (Press et al.,
// Numerical Recipes, 6.2).
var erfcTerms = [...]float32{0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
	1.00002368, -1.26551223}

// erfc is the complementary error function of x, which is at least 0.
func erfc(x float32) float32 {
	t := 1 / (1 + float32(0.5*x))
	var p float32
	for _, c := range erfcTerms {
		p = float32(p*t) + c
	}
	return float32(t * exp32(p-float32(x*x)))
}
