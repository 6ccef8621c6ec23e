// Package round chooses the levels of quantized weights by what the layer sees: not each the nearest to its weight, but so
// that the errors of a row make good for each other under the second moments of the layer's input (quantize/hessian).
//
// The scales are those that the format's encoder finds with the diagonal of the moments as importance. Levels are then chosen
// column by column with error feedback, those of large moments first (LDLQ in GPTQ's order, Frantar et al. 2023, Chee et al. 2023), and
// improved by sweeps of coordinate descent (QuantEase, Behdin et al. 2023; CDQuant, 2024), which never make the error larger; nor does a
// sweep over sub-blocks that tries other scales with levels of their own. The result is ordinary blocks of the format.
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

// width is the number of columns that are rounded before the others hear of their errors.
const width = 32

// rounder has what the rows of a call share.
type rounder struct {
	*hessian.Factor
	Options
	grid   *codec.Grid
	rows   int
	w      []float32 // the weights, in the factor's order
	e      []float32 // the errors so far: level's value less weight
	scales []float32 // of a row's sub-blocks
	offset []float32
	levels []uint8 // in the columns' order
	change []float32
}

// Rows chooses the levels of encoded rows, which hold the scales, for the weights src, rows x f.Cols row-major, and stores
// them. The loss e*H*transpose(e) is returned, in the factor's regularized H.
func Rows(encoded []byte, src []float32, grid *codec.Grid, f *hessian.Factor, o Options) {
	n := f.Cols
	rows := len(src) / n
	r := &rounder{Factor: f, Options: o, grid: grid, rows: rows,
		w: make([]float32, rows*n), e: make([]float32, rows*n), change: make([]float32, rows*width),
		scales: make([]float32, rows*n/grid.Sub), offset: make([]float32, rows*n/grid.Sub), levels: make([]uint8, rows*n)}
	subs, bytes := n/grid.Sub, len(encoded)/rows
	for i := range rows {
		grid.Split(r.levels[i*n:][:n], r.scales[i*subs:][:subs], r.offset[i*subs:][:subs], encoded[i*bytes:][:bytes])
		for k, c := range f.Order {
			r.w[i*n+k] = src[i*n+c]
		}
	}
	r.feedback()
	for i := range o.Sweeps {
		r.descend()
		if i == 0 && o.Rescale {
			r.rescale(encoded)
		}
	}
	for i := range rows {
		grid.Pack(encoded[i*bytes:][:bytes], r.levels[i*n:][:n])
	}
}

// feedback chooses all levels once, with the errors of the columns before.
func (r *rounder) feedback() {
	n := r.Cols
	packed := make([]float32, width*n)
	past := make([]float32, r.rows*n)
	for k := 0; k < n; k += width {
		b := min(width, n-k)
		// What the columns before this block ask of it: change = e[:, :k] * Feedback[k:k+b, :k]'.
		clear(r.change)
		if k > 0 {
			for i := range b {
				copy(packed[i*k:][:k], r.Feedback[(k+i)*n:])
			}
			for i := range r.rows {
				copy(past[i*k:][:k], r.e[i*n:])
			}
			r.Product(r.change, past, packed, r.rows, b, k)
		}
		r.each(r.rows, func(row int) {
			e, w := r.e[row*n+k:][:b], r.w[row*n+k:][:b]
			for i := range b {
				want := w[i] - r.change[row*b+i]
				for j, f := range r.Feedback[(k+i)*n+k:][:i] {
					want -= float32(f * e[j])
				}
				e[i] = r.put(row, k+i, want) - w[i]
			}
		})
	}
}

// descend goes through all columns once and gives each the level that is best while the others stay.
func (r *rounder) descend() {
	n := r.Cols
	for k := 0; k < n; k += width {
		b := min(width, n-k)
		// The gradient of this block: e * H[:, k:k+b].
		r.Product(r.change, r.e, r.H[k*n:], r.rows, b, n)
		r.each(r.rows, func(row int) {
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
		})
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
