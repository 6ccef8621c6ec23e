package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// SetWeights replaces the weights of a tensor with others of the same shape, of type t, in all products that the model makes with
// them; those of the embeddings are looked up, too. No session may be evaluating. The model keeps data until the weights are
// replaced again or Restore.
func (m *Model) SetWeights(tensor string, t gguf.Type, data []byte) error {
	var list []kernel.Loading
	uses := m.uses(tensor)
	for _, u := range uses {
		bytes := int(t.RowBytes(int64(u.Cols)))
		fresh, err := kernel.NewMatrix(t, u.Rows, u.Cols, data[u.first*bytes:][:u.Rows*bytes])
		if err != nil {
			return fmt.Errorf("tensor %s: %w", tensor, err)
		}
		if _, ok := m.replaced[u.Matrix]; !ok {
			if m.replaced == nil {
				m.replaced = map[*kernel.Matrix]kernel.Matrix{}
			}
			m.replaced[u.Matrix] = *u.Matrix
		}
		*u.Matrix = *fresh
		if u.multiplied {
			list = append(list, kernel.Loading{W: u.Matrix})
		}
	}
	if len(uses) == 0 {
		return fmt.Errorf("%w: the model multiplies with no tensor %s", gguf.ErrInput, tensor)
	}
	return kernel.Prepare(m.opts.Pool, list)
}

// Restore gives a tensor the weights that the model was loaded with. No session may be evaluating.
func (m *Model) Restore(tensor string) error {
	uses := m.uses(tensor)
	for _, u := range uses {
		if original, ok := m.replaced[u.Matrix]; ok {
			*u.Matrix = original
			delete(m.replaced, u.Matrix)
		}
	}
	if len(uses) == 0 {
		return fmt.Errorf("%w: the model multiplies with no tensor %s", gguf.ErrInput, tensor)
	}
	return nil
}

// use is a matrix made of rows of a tensor, from number first on.
type use struct {
	*kernel.Matrix
	first      int
	multiplied bool // not only looked up
}

// uses lists the matrices that are made of a tensor.
func (m *Model) uses(tensor string) (list []use) {
	for _, w := range m.graph.weights {
		if w.tensor.Info().Name == tensor {
			list = append(list, use{w.w, w.first, true})
		}
	}
	if g := m.graph; tensor == "token_embd.weight" && len(list) == 0 {
		list = append(list, use{g.embedding, 0, false})
	}
	return list
}
