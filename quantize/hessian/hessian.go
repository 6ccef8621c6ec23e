// Package hessian gathers the second moments of what weight matrices are multiplied with, H = sum of x*transpose(x) over
// the tokens of a calibration text: for the squared error of a layer's output, the Hessian of each row of its weights. An
// importance matrix is its diagonal.
//
// [Moments] adds activations up; [Moments.Factor] makes of the sum what error feedback (quantize/round) needs.
package hessian

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
)

// Products sets dst = x * transpose(w): x is n rows of cols elements, w rows rows of cols, dst n rows of rows, all row-major.
// The order of each sum is the same for any number of threads (runtime/kernel has one, Pool.Product).
type Products func(dst, x, w []float32, n, rows, cols int)

// Moments is the sum of x*transpose(x) over rows x of Cols activations.
type Moments struct {
	Cols int
	Rows int64
	// sums is the lower triangle, row by row: element j of row i is at i*(i+1)/2+j.
	sums []float64

	product       Products
	columns, part []float32
}

// New returns the moments of no rows.
func New(cols int, product Products) *Moments {
	return &Moments{Cols: cols, sums: make([]float64, triangle(cols)), product: product}
}

// triangle is the number of elements of a lower triangle.
func triangle(n int) int { return n * (n + 1) / 2 }

// band is the number of rows of H that are computed at a time, and most the number of activations.
const (
	band = 64
	most = 512
)

// Add adds rows of Cols activations, row-major. Sums over up to 512 rows are float32, the sums of these float64. An
// activation that is not finite is an error that wraps gguf.ErrInput.
func (m *Moments) Add(x []float32) error { return m.add(x, m.Cols, 0) }

// add adds columns first..first+Cols-1 of rows of stride activations.
func (m *Moments) add(x []float32, stride, first int) error {
	for ; len(x) > most*stride; x = x[most*stride:] {
		if err := m.add(x[:most*stride], stride, first); err != nil {
			return err
		}
	}
	n := len(x) / stride
	m.columns, m.part = room(m.columns, n*m.Cols), room(m.part, band*m.Cols)
	for i := range n {
		for j, v := range x[i*stride+first:][:m.Cols] {
			m.columns[j*n+i] = v
		}
	}
	for i := 0; i < m.Cols; i += band {
		rows := min(band, m.Cols-i)
		width := i + rows
		m.product(m.part, m.columns[i*n:], m.columns, rows, width, n)
		for r := range rows {
			sums := m.sums[triangle(i+r):][:i+r+1]
			for j, v := range m.part[r*width:][:len(sums)] {
				sums[j] += float64(v)
			}
			if d := sums[i+r]; math.IsNaN(d) || math.IsInf(d, 0) {
				return fmt.Errorf("%w: the activation of column %d is not finite", gguf.ErrInput, first+i+r)
			}
		}
	}
	m.Rows += int64(n)
	return nil
}

// Sum adds the moments of other.
func (m *Moments) Sum(other *Moments) {
	for i, v := range other.sums {
		m.sums[i] += v
	}
	m.Rows += other.Rows
}

// At is element (i, j).
func (m *Moments) At(i, j int) float64 {
	if i < j {
		i, j = j, i
	}
	return m.sums[triangle(i)+j]
}

// Loss is the trace of e*H*transpose(e) for rows e of errors: the squared error of the output.
func (m *Moments) Loss(e []float32) float64 {
	n := len(e) / m.Cols
	h, g := make([]float32, band*m.Cols), make([]float32, n*band)
	var sum float64
	for i := 0; i < m.Cols; i += band {
		rows := min(band, m.Cols-i)
		for r := range rows {
			for j := range m.Cols {
				h[r*m.Cols+j] = float32(m.At(i+r, j))
			}
		}
		m.product(g, e, h, n, rows, m.Cols)
		for row := range n {
			for r, v := range g[row*rows:][:rows] {
				sum += float64(e[row*m.Cols+i+r]) * float64(v)
			}
		}
	}
	return sum
}

// room returns b with length n, made anew only when it is too small.
func room(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}
