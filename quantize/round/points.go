package round

import (
	"math"

	"github.com/carat-llm/carat/quantize/hessian"
)

// pointRounder has what the rows of a call share when groups of columns share points of a codebook.
type pointRounder struct {
	state
	book   *book
	size   int       // columns of a group
	scales []float32 // of a row's sub-blocks
	levels []uint8   // in the columns' order
	// What a group's errors cost, for each group in the factor's order: with the columns behind it making good for them, and with the
	// others as they are.
	ahead, alone []metric
}

// pointRows is Rows for formats with a codebook, whose groups of columns f keeps together.
func pointRows(encoded []byte, src []float32, b *book, f *hessian.Factor, o Options) {
	n := f.Cols
	r := &pointRounder{state: newState(src, f, o), book: b, size: b.Group()}
	r.scales, r.levels = make([]float32, r.rows*n/b.Sub), make([]uint8, r.rows*n)
	subs, bytes := n/b.Sub, len(encoded)/r.rows
	none := make([]float32, subs) // there are no offsets
	for i := range r.rows {
		b.Split(r.levels[i*n:][:n], r.scales[i*subs:][:subs], none, encoded[i*bytes:][:bytes])
	}
	for k := 0; k < n; k += r.size {
		r.ahead = append(r.ahead, metricAhead(f, k, r.size))
		r.alone = append(r.alone, metricAlone(f, k, r.size))
	}
	r.feedback(r.first)
	for range o.Sweeps {
		r.descend(r.better)
	}
	for i := range r.rows {
		b.Pack(encoded[i*bytes:][:bytes], r.levels[i*n:][:n])
	}
}

// metricAhead is a part of the factors.
func metricAhead(f *hessian.Factor, k, size int) (m metric) {
	for i := range size {
		copy(m.l[i][:i], f.Feedback[(k+i)*f.Cols+k:])
		m.d[i] = f.D[k+i]
	}
	return m
}

// metricAlone factors a part of H, from the last column to the first.
func metricAlone(f *hessian.Factor, k, size int) (m metric) {
	var a [8][8]float64
	for i := range size {
		for j, v := range f.H[(k+i)*f.Cols+k:][:size] {
			a[i][j] = float64(v)
		}
	}
	for i := size - 1; i >= 0; i-- {
		m.d[i] = float32(a[i][i])
		for j := range i {
			l := a[i][j] / a[i][i]
			m.l[i][j] = float32(l)
			for x := range j + 1 {
				a[j][x] -= float64(l * a[i][x])
			}
		}
	}
	return m
}

// first chooses the levels of a row's columns k..k+b-1, with the errors of those before.
func (r *pointRounder) first(row, k, b int) {
	n := r.Cols
	e, w := r.e[row*n+k:][:b], r.w[row*n+k:][:b]
	f := finder{book: r.book}
	for g := 0; g < b; g += r.size {
		f.metric = &r.ahead[(k+g)/r.size]
		for i := g; i < g+r.size; i++ {
			want := w[i] - r.change[row*b+i]
			for j, x := range r.Feedback[(k+i)*n+k:][:g] {
				want -= float32(x * e[j])
			}
			f.now[i-g], f.want[i-g] = w[i], want
		}
		scale, levels := r.group(row, k+g)
		if scale > 0 { // else all levels are as good
			f.scale(scale)
			f.group(levels, math.MaxFloat32)
		}
		for i, l := range levels {
			e[g+i] = float32(scale*r.book.Levels[l]) - w[g+i]
		}
	}
}

// better gives each group of a row's columns k..k+b-1 the levels that are best while the others stay, or leaves those that it has.
func (r *pointRounder) better(row, k, b int) {
	n := r.Cols
	e, w, change := r.e[row*n+k:][:b], r.w[row*n+k:][:b], r.change[row*b:][:b]
	f := finder{book: r.book}
	for g := 0; g < b; g += r.size {
		scale, levels := r.group(row, k+g)
		if !(scale > 0) {
			continue
		}
		// The loss changes by d*H*d' + 2*change*d for changes d of the group. Complete the square.
		m := &r.alone[(k+g)/r.size]
		var solved [8]float32
		var bound float32
		for i := r.size - 1; i >= 0; i-- {
			s := change[g+i]
			for j := i + 1; j < r.size; j++ {
				s -= float32(m.l[j][i] * solved[j])
			}
			solved[i] = s
			f.now[i] = float32(scale * r.book.Levels[levels[i]])
			f.want[i] = f.now[i] - s/m.d[i]
			bound += float32(s * s / m.d[i])
		}
		f.metric = m
		f.scale(scale)
		if !f.group(levels, bound) {
			continue
		}
		for i, l := range levels {
			v := float32(scale*r.book.Levels[l]) - w[g+i]
			d := v - e[g+i]
			if d == 0 {
				continue
			}
			e[g+i] = v
			for j, h := range r.H[(k+g+i)*n+k:][:b] {
				change[j] += float32(d * h)
			}
		}
	}
}

// group returns the scale and the levels of the group that is k-th in order.
func (r *pointRounder) group(row, k int) (scale float32, levels []uint8) {
	at := row*r.Cols + r.Order[k]
	return r.scales[at/r.book.Sub], r.levels[at:][:r.size]
}
