package lora

import (
	"math"
	"slices"
	"sync"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/quantize/codec"
)

// factors are two matrices whose product is what a weight is changed by, as the checkpoint has it: left is rows x rank, right is
// rank x cols.
type factors struct{ left, right []float32 }

// entry is a pair that is decoded when it is asked for first.
type entry struct {
	of   *merged
	once sync.Once
	factors
	err error
}

// kept is the number of pairs that are held: as many tensors are read at a time.
const kept = 16

// held holds the pairs that were asked for last, so that memory does not grow with the model.
type held struct {
	mu     sync.Mutex
	recent []*entry // the last one last
}

// get returns the pair of a tensor.
func (h *held) get(m *merged) (factors, error) {
	h.mu.Lock()
	i := slices.IndexFunc(h.recent, func(e *entry) bool { return e.of == m })
	e := &entry{of: m}
	if i >= 0 {
		e = h.recent[i]
		h.recent = slices.Delete(h.recent, i, i+1)
	} else if len(h.recent) == kept {
		h.recent = slices.Delete(h.recent, 0, 1)
	}
	h.recent = append(h.recent, e)
	h.mu.Unlock()
	e.once.Do(func() { e.factors, e.err = m.load() })
	return e.factors, e.err
}

// load decodes the pair of a tensor.
func (m *merged) load() (f factors, err error) {
	a, err := m.adapter.matrix(m.change.A)
	if err != nil {
		return f, err
	}
	b, err := m.adapter.matrix(m.change.B)
	if err != nil {
		return f, err
	}
	if m.change.Transposed {
		return factors{transposed(a, m.rank), transposed(b, int(m.change.B.Shape[0]))}, nil
	}
	return factors{b, a}, nil
}

// matrix decodes a tensor of the adapter, whose elements must be finite.
func (a *Adapter) matrix(t *safetensors.Tensor) ([]float32, error) {
	raw := make([]byte, t.Elements()*int64(t.Type.BlockBytes()))
	if err := t.ReadAt(raw, 0); err != nil {
		return nil, err
	}
	x := make([]float32, t.Elements())
	t.Decode(x, raw)
	if !(codec.Largest(x) <= math.MaxFloat32) {
		return nil, a.errorf("tensor %s: there are elements that are not finite; the adapter is broken or damaged", t.Name)
	}
	return x, nil
}

// transposed returns a matrix of rows rows the other way round.
func transposed(x []float32, rows int) []float32 {
	out, cols := make([]float32, len(x)), len(x)/rows
	for i, v := range x {
		out[i%cols*rows+i/cols] = v
	}
	return out
}
