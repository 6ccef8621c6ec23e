// Package round chooses the levels of quantized weights by what the layer sees: not each the nearest to its weight, but so
// that the errors of a row make good for each other under the second moments of the layer's input (quantize/hessian).
//
// The scales are those that the format's encoder finds with the diagonal of the moments as importance. Levels are then chosen
// column by column with error feedback, those of large moments first (LDLQ in GPTQ's order, Frantar et al. 2023, Chee et al. 2023), and
// improved by sweeps of coordinate descent (QuantEase, Behdin et al. 2023; CDQuant, 2024), which never make the error larger; nor does a
// sweep over sub-blocks that tries other scales with levels of their own. Where columns share a point of a codebook, a group of such
// columns is taken for one. The result is ordinary blocks of the format.
//
// All arithmetic is float32 in a fixed order: the bytes are the same for any number of threads and on every processor.
package round

import (
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
)

// Options of Rows.
type Options struct {
	Sweeps int // of coordinate descent
	// Rescale moves scales, too, after the first sweep.
	Rescale bool
	Product hessian.Products
	// Each calls f for 0..n-1, from several goroutines; nil is one after the other. The result does not depend on it.
	Each func(n int, f func(i int))
}

// rounder has what the rows of a call share.
type rounder struct {
	state
	grid   *codec.Grid
	scales []float32 // of a row's sub-blocks
	offset []float32
	levels []uint8 // in the columns' order
}

// Rows chooses the levels of encoded rows, which hold the scales, for the weights src, rows x f.Cols row-major, and stores
// them.
func Rows(encoded []byte, src []float32, grid *codec.Grid, f *hessian.Factor, o Options) {
	n := f.Cols
	r := &rounder{state: newState(src, f, o), grid: grid}
	r.scales, r.offset, r.levels = make([]float32, r.rows*n/grid.Sub), make([]float32, r.rows*n/grid.Sub), make([]uint8, r.rows*n)
	subs, bytes := n/grid.Sub, len(encoded)/r.rows
	for i := range r.rows {
		grid.Split(r.levels[i*n:][:n], r.scales[i*subs:][:subs], r.offset[i*subs:][:subs], encoded[i*bytes:][:bytes])
	}
	r.feedback(r.first)
	for i := range o.Sweeps {
		r.descend(r.better)
		if i == 0 && o.Rescale {
			r.rescale(encoded)
		}
	}
	for i := range r.rows {
		grid.Pack(encoded[i*bytes:][:bytes], r.levels[i*n:][:n])
	}
}

// first chooses the levels of a row's columns k..k+b-1, with the errors of those before.
func (r *rounder) first(row, k, b int) {
	n := r.Cols
	e, w := r.e[row*n+k:][:b], r.w[row*n+k:][:b]
	for i := range b {
		want := w[i] - r.change[row*b+i]
		for j, f := range r.Feedback[(k+i)*n+k:][:i] {
			want -= float32(f * e[j])
		}
		e[i] = r.put(row, k+i, want) - w[i]
	}
}

// better gives each of a row's columns k..k+b-1 the level that is best while the others stay.
func (r *rounder) better(row, k, b int) {
	n := r.Cols
	e, w, g := r.e[row*n+k:][:b], r.w[row*n+k:][:b], r.change[row*b:][:b]
	for i := range b {
		h := r.H[(k+i)*n+k:][:b]
		want := w[i] + e[i] - g[i]/h[i]
		v := r.put(row, k+i, want) - w[i]
		if v == e[i] {
			continue
		}
		d := v - e[i]
		e[i] = v
		for j := range g {
			g[j] += float32(d * h[j])
		}
	}
}

// put chooses the level nearest to want for the k-th column in order and returns its value.
func (r *rounder) put(row, k int, want float32) float32 {
	c := r.Order[k]
	sub := (row*r.Cols + c) / r.grid.Sub
	scale, offset := r.scales[sub], r.offset[sub]
	l := r.grid.Nearest(want, scale, offset)
	r.levels[row*r.Cols+c] = l
	return r.grid.Value(l, scale, offset)
}
