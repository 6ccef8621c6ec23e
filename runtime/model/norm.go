package model

import "github.com/carat-llm/carat/runtime/kernel"

// norm is RMSNorm, or LayerNorm when layer is set. A nil weight means no norm.
type norm struct {
	weight, bias []float32
	eps          float32
	layer        bool
}

// rmsNorm loads name.weight of n elements.
func (l *loader) rmsNorm(name string, n int) norm {
	return norm{weight: l.vector(name+".weight", n), eps: l.epsilon("attention.layer_norm_rms_epsilon")}
}

// layerNorm loads name.weight and name.bias of n elements.
func (l *loader) layerNorm(name string, n int) norm {
	return norm{weight: l.vector(name+".weight", n), bias: l.vectorIf(name+".bias", n),
		eps: l.epsilon("attention.layer_norm_epsilon"), layer: true}
}

// apply normalises each row of x into dst, which may be x. Rows are len(weight) long, so the norm of
// a head applies to each head.
func (n norm) apply(s *Session, dst, x []float32) {
	switch {
	case n.weight == nil:
		copy(dst, x)
	case n.layer:
		s.pool.LayerNorm(dst, x, n.weight, n.bias, n.eps)
	default:
		s.pool.RMSNorm(dst, x, n.weight, n.eps)
	}
}

// inPlace normalises the rows of x by the caller alone; without weight it does nothing.
func (n norm) inPlace(x []float32) {
	switch {
	case n.weight == nil:
	case n.layer:
		kernel.LayerNorm(x, x, n.weight, n.bias, n.eps)
	default:
		kernel.RMSNorm(x, x, n.weight, n.eps)
	}
}

// applyAfter adds y to x, then is apply; nil for y is nothing to add.
func (n norm) applyAfter(s *Session, dst, x, y []float32) {
	switch {
	case y == nil:
		n.apply(s, dst, x)
	case n.weight == nil:
		s.pool.Add(x, y)
		copy(dst, x)
	case n.layer:
		s.pool.AddLayerNorm(dst, x, y, n.weight, n.bias, n.eps)
	default:
		s.pool.AddRMSNorm(dst, x, y, n.weight, n.eps)
	}
}
