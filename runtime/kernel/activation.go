package kernel

import (
	"math"
	"slices"
)

// elementwise is the number of elements that one chunk of work holds.
const elementwise = 4096

// SwiGLU sets gate[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x)).
func (p *Pool) SwiGLU(gate, up []float32) {
	p.ranges(ranges{n: len(gate), size: elementwise, dst: gate, x: up, op: func(r *ranges, first, end int) {
		active().swiglu(r.dst[first:end], r.x[first:end])
	}})
}

// GeGLU sets gate[i] = gelu(gate[i]) * up[i]; see GELU.
func (p *Pool) GeGLU(gate, up []float32) {
	p.ranges(ranges{n: len(gate), size: elementwise, dst: gate, x: up, op: func(r *ranges, first, end int) {
		active().geglu(r.dst[first:end], r.x[first:end])
	}})
}

// GELU applies the tanh approximation of GELU, 0.5x(1 + tanh(sqrt(2/pi)(x + 0.044715x^3))), the
// gelu_new and gelu_pytorch_tanh of checkpoints. It is computed in full; the reference looks it up in a
// table of half precision and differs in the third digit after the point of a logit.
func (p *Pool) GELU(x []float32) {
	p.ranges(ranges{n: len(x), size: elementwise, dst: x, op: func(r *ranges, first, end int) {
		active().gelu(r.dst[first:end])
	}})
}

func swigluGeneric(gate, up []float32) {
	for i, x := range gate {
		gate[i] = float32(silu(x) * up[i])
	}
}

func gegluGeneric(gate, up []float32) {
	for i, x := range gate {
		gate[i] = float32(gelu(x) * up[i])
	}
}

func geluGeneric(x []float32) {
	for i, v := range x {
		x[i] = gelu(v)
	}
}

// Add sets dst[i] += x[i].
func (p *Pool) Add(dst, x []float32) {
	p.ranges(ranges{n: len(dst), size: 4 * elementwise, dst: dst, x: x, op: func(r *ranges, first, end int) {
		dst := r.dst[first:end]
		for i, v := range r.x[first:end] {
			dst[i] += v
		}
	}})
}

// AddBias adds bias to each row of x, rows of len(bias).
func AddBias(x, bias []float32) {
	for ; len(x) > 0; x = x[len(bias):] {
		for i, b := range bias {
			x[i] += b
		}
	}
}

// Scale multiplies each element by f.
func Scale(x []float32, f float32) {
	for i := range x {
		x[i] *= f
	}
}

// AddScaled sets dst[i] += f * x[i].
func AddScaled(dst, x []float32, f float32) {
	for i, v := range x {
		dst[i] += float32(f * v)
	}
}

// Top fills dst with the indices of the len(dst) largest elements of x, largest first, the first of equals
// first. x must have as many elements.
func Top(dst []int, x []float32) {
	for n := range dst {
		best := -1
		for i, v := range x {
			if !slices.Contains(dst[:n], i) && (best < 0 || v > x[best]) {
				best = i
			}
		}
		dst[n] = best
	}
}

// Softmax replaces x by exp(x - max(x)) divided by the sum of these, summed in float64.
func Softmax(x []float32) {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - top))
		x[i] = float32(e)
		sum += e
	}
	scale := float32(1 / sum)
	for i := range x {
		x[i] *= scale
	}
}
