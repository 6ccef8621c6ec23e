package model

import "github.com/carat-llm/carat/runtime/kernel"

// linear is a matrix with an optional bias.
type linear struct {
	name string // of the weight tensor
	w    *kernel.Matrix
	bias []float32
	// A matrix of a stacked tensor is that of expert, of 0..experts-1; experts is 0 for other matrices.
	expert, experts int
}

// linear loads name.weight (cols x rows) and name.bias when there is one.
func (l *loader) linear(name string, cols, rows int) (linear, bool) {
	w := l.matrix(name+".weight", cols, rows)
	return linear{name: name + ".weight", w: w, bias: l.vectorIf(name+".bias", rows)}, l.err == nil
}

// split cuts a fused matrix into parts of the given numbers of rows, which share its data.
func (m linear) split(rows ...int) []linear {
	parts := make([]linear, len(rows))
	if m.w == nil { // loading failed; the loader has the error
		return parts
	}
	first := 0
	for i, n := range rows {
		parts[i] = linear{name: m.name, w: m.w.RowRange(first, n)}
		if m.bias != nil {
			parts[i].bias = m.bias[first : first+n]
		}
		first += n
	}
	return parts
}

// apply multiplies the n rows of x by each matrix, adds the biases and puts the results into dsts. All
// matrices have as many columns as x.
func (s *Session) apply(x []float32, n int, dsts [][]float32, ms ...linear) {
	products := make([]kernel.Product, len(ms))
	for i, m := range ms {
		if s.observe != nil && (i == 0 || m.name != ms[i-1].name) {
			s.observe(m.name, m.expert, max(1, m.experts), x[:n*m.w.Cols], m.w.Cols)
		}
		products[i] = kernel.Product{Dst: dsts[i], W: m.w}
	}
	s.pool.MatMuls(x, n, products...)
	for i, m := range ms {
		if m.bias != nil {
			kernel.AddBias(dsts[i][:n*m.w.Rows], m.bias)
		}
	}
}
