package model

import "github.com/carat-llm/carat/runtime/kernel"

// norm is RMSNorm, or LayerNorm when layer is set. A nil weight means no norm.
type norm struct {
	weight, bias []float32
	eps          float32
	layer        bool
	dim          int // rows are of dim elements, and have weights of their own, one after the other; 0: rows are len(weight) long
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

// headLayerNorm loads name.weight, dim x heads: the weights of a LayerNorm of each head, without bias.
func (l *loader) headLayerNorm(name string, dim, heads int) norm {
	return norm{weight: l.table(name+".weight", dim, heads), eps: l.epsilon("attention.layer_norm_epsilon"), layer: true, dim: dim}
}

// plainLayerNorm is LayerNorm of n elements without weights.
func (l *loader) plainLayerNorm(n int) norm {
	return norm{weight: l.ones(n), eps: l.epsilon("attention.layer_norm_epsilon"), layer: true}
}

// plainRMSNorm is RMSNorm of n elements without weights.
func (l *loader) plainRMSNorm(n int) norm {
	return norm{weight: l.ones(n), eps: l.epsilon("attention.layer_norm_rms_epsilon")}
}

// ones are the weights of norms that have none; like those of others, they are not there when only headers are read.
func (l *loader) ones(n int) []float32 {
	if l.headersOnly {
		return nil
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x
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
	case n.dim > 0:
		for at := 0; at < len(x); at += n.dim {
			row, weight := x[at:at+n.dim], n.weight[at%len(n.weight):][:n.dim]
			if n.layer {
				kernel.LayerNorm(row, row, weight, nil, n.eps)
			} else {
				kernel.RMSNorm(row, row, weight, n.eps)
			}
		}
	case n.layer:
		kernel.LayerNorm(x, x, n.weight, n.bias, n.eps)
	default:
		kernel.RMSNorm(x, x, n.weight, n.eps)
	}
}

// applyAfter adds y to x, then is apply.
func (n norm) applyAfter(s *Session, dst, x, y []float32) {
	switch {
	case n.weight == nil:
		s.pool.Add(x, y)
		copy(dst, x)
	case n.layer:
		s.pool.AddLayerNorm(dst, x, y, n.weight, n.bias, n.eps)
	default:
		s.pool.AddRMSNorm(dst, x, y, n.weight, n.eps)
	}
}
