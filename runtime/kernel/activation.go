package kernel

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
