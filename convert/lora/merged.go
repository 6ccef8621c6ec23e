package lora

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/carat-llm/carat/convert/safetensors"
)

// merged is a weight with its change: base + scale * left * right, and with DoRA brought to the lengths that the adapter has.
type merged struct {
	adapter    *Adapter
	change     *Change
	base       *safetensors.Tensor
	scale      float64
	rank       int
	rows, cols int64

	once   sync.Once
	ratios []float64 // DoRA: what each output is multiplied with
	err    error
}

// room is the memory of one call.
type room struct {
	raw  []byte
	base []float32
	sum  []float64
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// step is about the number of elements that are computed at a time.
const step = 1 << 16

// read fills dst with the float32 from byte off on. Whatever is asked for, an element is the same.
func (m *merged) read(dst []byte, off int64) error {
	if off%4 != 0 || len(dst)%4 != 0 {
		return fmt.Errorf("tensor %s: %d bytes at %d are not whole elements", m.base.Name, len(dst), off)
	}
	ratios, err := m.lengths()
	if err != nil {
		return err
	}
	return m.each(off/4, int64(len(dst)/4), func(row, col int64, values []float64) {
		for i, v := range values {
			if ratios != nil {
				v *= ratios[m.output(row, col+int64(i))]
			}
			binary.LittleEndian.PutUint32(dst[4*(row*m.cols+col+int64(i)-off/4):], math.Float32bits(float32(v)))
		}
	})
}

// output is which of the module's outputs an element belongs to.
func (m *merged) output(row, col int64) int64 {
	if m.change.Transposed {
		return col
	}
	return row
}

// each computes n elements from the one at first on, in float64, and gives them to use by rows or parts of rows.
func (m *merged) each(first, n int64, use func(row, col int64, values []float64)) error {
	f, err := m.adapter.held.get(m)
	if err != nil {
		return err
	}
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	width := int64(m.base.Type.BlockBytes())
	for n > 0 {
		row, col := first/m.cols, first%m.cols
		k := min(n, m.cols-col)
		if col == 0 && n > m.cols { // whole rows
			k = min(n/m.cols, max(1, step/m.cols)) * m.cols
		}
		r.raw, r.base, r.sum = grown(r.raw, k*width), grown(r.base, k), grown(r.sum, min(k, m.cols))
		if err := m.base.ReadAt(r.raw, first*width); err != nil {
			return err
		}
		m.base.Decode(r.base, r.raw)
		for at := int64(0); at < k; at += int64(len(r.sum)) {
			base := r.base[at:][:len(r.sum)]
			m.product(r.sum, f.left[row*int64(m.rank):][:m.rank], f.right[col:])
			for i, w := range base {
				r.sum[i] = float64(w) + float64(m.scale*r.sum[i])
			}
			use(row, col, r.sum)
			row++
		}
		first, n = first+k, n-k
	}
	return nil
}

// product computes left * right, of which right begins with the column of sum[0].
func (m *merged) product(sum []float64, left, right []float32) {
	clear(sum)
	for k, l := range left {
		b := float64(l)
		for i, a := range right[int64(k)*m.cols:][:len(sum)] {
			sum[i] += float64(b * float64(a))
		}
	}
}

// lengths returns what DoRA multiplies outputs with: the length that the adapter gives each, by the length that it has. nil without
// DoRA. It takes a pass over the tensor.
func (m *merged) lengths() ([]float64, error) {
	if m.change.Magnitude == nil {
		return nil, nil
	}
	m.once.Do(func() {
		var want []float32
		if want, m.err = m.adapter.matrix(m.change.Magnitude); m.err != nil {
			return
		}
		squares := make([]float64, len(want))
		m.err = m.each(0, m.rows*m.cols, func(row, col int64, values []float64) {
			for i, v := range values {
				squares[m.output(row, col+int64(i))] += float64(v * v)
			}
		})
		for i, w := range want {
			squares[i] = float64(w) / math.Sqrt(squares[i])
		}
		m.ratios = squares
	})
	return m.ratios, m.err
}

// grown returns x with n elements, allocated anew only when it has no room.
func grown[T any](x []T, n int64) []T {
	if int64(cap(x)) < n {
		return make([]T, n)
	}
	return x[:n]
}
