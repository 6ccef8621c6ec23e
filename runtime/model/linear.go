package model

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// linear is a matrix with an optional bias.
type linear struct {
	name   string // of the weight tensor
	tensor gguf.Tensor
	first  int // the row of tensor that w begins with
	w      *kernel.Matrix
	bias   []float32
	// A matrix of a stacked tensor is that of expert, of 0..experts-1; experts is 0 for other matrices.
	expert, experts int
}

// linear loads name.weight (cols x rows) and name.bias when there is one.
func (l *loader) linear(name string, cols, rows int) (linear, bool) {
	w := l.matrix(name+".weight", cols, rows)
	return linear{name: name + ".weight", tensor: l.tensors[name+".weight"], w: w, bias: l.vectorIf(name+".bias", rows)}, l.err == nil
}

// split cuts a fused matrix into parts of the given numbers of rows, which share its data.
func (m linear) split(rows ...int) []linear {
	parts := make([]linear, len(rows))
	if m.w == nil { // loading failed; the loader has the error
		return parts
	}
	first := 0
	for i, n := range rows {
		parts[i] = linear{name: m.name, tensor: m.tensor, first: m.first + first, w: m.w.RowRange(first, n)}
		if m.bias != nil {
			parts[i].bias = m.bias[first : first+n]
		}
		first += n
	}
	return parts
}

// output is a matrix to multiply activations with, and where the result goes.
type output struct {
	dst []float32
	m   *linear
}

// apply multiplies the n rows of x by the matrix of each output and adds the biases. All matrices have as many columns as
// x.
func (s *Session) apply(x []float32, n int, outs ...output) {
	s.products = s.products[:0]
	for i, o := range outs {
		m := o.m
		if s.observe != nil && (i == 0 || m.name != outs[i-1].m.name) {
			s.observe(m.name, m.expert, max(1, m.experts), x[:n*m.w.Cols], m.w.Cols)
		}
		s.products = append(s.products, kernel.Product{Dst: o.dst, W: m.w})
	}
	s.multiplier.MatMuls(s.pool, x, n, s.products...)
	for _, o := range outs {
		if o.m.bias != nil {
			s.pool.AddBias(o.dst[:n*o.m.w.Rows], o.m.bias)
		}
	}
}
