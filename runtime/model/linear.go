package model

import (
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// linear is a matrix with an optional bias.
type linear struct {
	name string // of the weight tensor
	w    *kernel.Matrix
	bias []float32
	// scale, if not nil, has the number that results are multiplied with before the bias is added: NVFP4 has a factor for the
	// whole tensor.
	scale []float32
	// A matrix of a stacked tensor is that of expert, of 0..experts-1; experts is 0 for other matrices.
	expert, experts int
	changes         []lowRank // of adapters
}

// linear loads name.weight (cols x rows) and name.bias when there is one.
func (l *loader) linear(name string, cols, rows int) linear { return l.fused(name, cols, rows)[0] }

// fused loads name.weight and name.bias as matrices of the given numbers of rows, one after the other, which share the data.
// They are empty after an error, which the loader has.
func (l *loader) fused(name string, cols int, rows ...int) []linear {
	total, parts := 0, make([]linear, len(rows))
	for _, n := range rows {
		total += n
	}
	w := l.matrix(name+".weight", cols, total)
	bias, scale := l.vectorIf(name+".bias", total), l.scales(name, 1)
	if w == nil {
		return parts
	}
	first := 0
	for i, n := range rows {
		m := linear{name: name + ".weight", w: w, scale: scale}
		if n != total {
			m.w = w.RowRange(first, n)
		}
		if bias != nil {
			m.bias = bias[first : first+n]
		}
		parts[i] = l.product(m, first)
		first += n
	}
	return parts
}

// scales loads name.scale, a factor for each of n matrices; nil where there is none. name.input_scale is for runtimes that
// round activations to it, which this one does not. Gemma 4 has others of these names, which its graph reads itself.
func (l *loader) scales(name string, n int) []float32 {
	if l.arch == "gemma4" && (strings.HasSuffix(name, ".ffn_gate_inp") || strings.HasSuffix(name, ".ffn_down_exps")) {
		return nil
	}
	l.vectorIf(name+".input_scale", n)
	return l.vectorIf(name+".scale", n)
}

// weight is a matrix to multiply with, and the rows of a tensor that it is.
type weight struct {
	w      *kernel.Matrix
	tensor gguf.Tensor
	first  int
}

// product notes that activations are multiplied with m, which begins at row first of its tensor, so that it is prepared for that.
func (l *loader) product(m linear, first int) linear {
	if m.w != nil {
		l.weights = append(l.weights, weight{m.w, l.tensors[m.name], first})
		m.changes = l.lowRanks(m, first)
	}
	return m
}

// output is a matrix to multiply activations with, and where the result goes.
type output struct {
	dst []float32
	m   *linear
}

// apply multiplies the n rows of x by the matrix of each output and its scale, and adds what adapters make of them and the biases. All matrices have as many
// columns as x.
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
		if o.m.scale != nil {
			s.pool.Scale(o.dst[:n*o.m.w.Rows], o.m.scale[0])
		}
	}
	s.addLowRanks(x, n, outs)
	for _, o := range outs {
		if o.m.bias != nil {
			s.pool.AddBias(o.dst[:n*o.m.w.Rows], o.m.bias)
		}
	}
}
