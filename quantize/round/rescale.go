package round

import (
	"slices"

	"github.com/carat-llm/carat/quantize/codec"
)

// largestSub is the number of columns of the largest sub-block.
const largestSub = 32

// sub is a sub-block of all rows: the columns that share a scale.
type sub struct {
	number int
	places []int     // of its columns, ascending in the factor's order
	h      []float32 // the moments between them, len(places) squared
}

// rescale goes through all sub-blocks once and gives each the scale, of those near its own, that leaves the smallest error with
// levels chosen for it, while all other sub-blocks stay. What gains nothing stays.
func (r *rounder) rescale(encoded []byte) {
	n, width := r.Cols, r.grid.Sub
	place := make([]int, n)
	for k, c := range r.Order {
		place[c] = k
	}
	s := sub{places: make([]int, width), h: make([]float32, width*width)}
	h := make([]float32, width*n)
	gradient := make([]float32, r.rows*width)
	bytes := len(encoded) / r.rows
	for s.number = range n / width {
		copy(s.places, place[s.number*width:][:width])
		slices.Sort(s.places)
		for i, k := range s.places {
			copy(h[i*n:], r.H[k*n:][:n])
			for j, l := range s.places {
				s.h[i*width+j] = r.H[k*n+l]
			}
		}
		r.Product(gradient, r.e, h, r.rows, width, n) // e * H[:, places]
		r.each(r.rows, func(row int) {
			r.rescaleRow(encoded[row*bytes:][:bytes], row, &s, gradient[row*width:][:width])
		})
	}
}

// rescaleRow does that in the sub-block of one row: gradient is that of half the error by its columns.
func (r *rounder) rescaleRow(encoded []byte, row int, s *sub, gradient []float32) {
	var e, w, g [largestSub]float32
	var levels, best [largestSub]uint8
	var near [codec.MostNear]codec.Scale
	width := len(s.places)
	for i, k := range s.places {
		e[i], w[i] = r.e[row*r.Cols+k], r.w[row*r.Cols+k]
	}
	start := e
	var found *codec.Scale
	least := float32(0)
	for _, x := range r.grid.Near(near[:0], encoded, s.number) {
		e = start
		copy(g[:], gradient)
		var change float32 // of the error
		for i := range width {
			h := s.h[i*width:][:width]
			want := w[i] + e[i] - g[i]/h[i]
			levels[i] = r.grid.Nearest(want, x.Scale, x.Offset)
			d := r.grid.Value(levels[i], x.Scale, x.Offset) - w[i] - e[i]
			change += float32(d * (2*g[i] + float32(d*h[i])))
			e[i] += d
			for j, v := range h {
				g[j] += float32(d * v)
			}
		}
		if change < least {
			found, least, best = &x, change, levels
		}
	}
	if found == nil {
		return
	}
	r.grid.SetScale(encoded, s.number, *found)
	at := row*r.Cols/r.grid.Sub + s.number
	r.scales[at], r.offset[at] = found.Scale, found.Offset
	for i, k := range s.places {
		r.levels[row*r.Cols+r.Order[k]] = best[i]
		r.e[row*r.Cols+k] = r.grid.Value(best[i], found.Scale, found.Offset) - w[i]
	}
}
