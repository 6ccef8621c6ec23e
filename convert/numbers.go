package convert

import (
	"fmt"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// numbers gathers tensors of one element that become metadata.
type numbers struct {
	specs  []arch.Numbers
	places map[string][2]int // by name: which of specs, and which of its elements
	values [][]float32
}

func newNumbers(specs []arch.Numbers) *numbers {
	n := &numbers{specs, map[string][2]int{}, make([][]float32, len(specs))}
	for i, s := range specs {
		n.values[i] = make([]float32, s.Count)
		for e := range n.values[i] {
			n.places[fmt.Sprintf(s.Source, e)] = [2]int{i, e}
		}
	}
	return n
}

// take reads a tensor if it is one of them.
func (n *numbers) take(t *safetensors.Tensor, name string) (bool, error) {
	place, ok := n.places[name]
	if !ok {
		return false, nil
	}
	one := newTensor(t, arch.Tensor{Name: name, Shape: []int64{t.Elements()}}, gguf.F32)
	if t.Elements() != 1 {
		return true, fmt.Errorf("%w: %s: tensor shape: %s is %v, but it must be one number", gguf.ErrInput, t.File, t.Name, t.Shape)
	}
	raw := make([]byte, t.Type.BlockBytes())
	if err := one.gather(new(scratch), raw, 0, 1); err != nil {
		return true, err
	}
	delete(n.places, name)
	return true, one.decode(n.values[place[0]][place[1]:][:1], raw, 0)
}

// kvs are the arrays, or an error of what is missing.
func (n *numbers) kvs(dir string) ([]gguf.KV, error) {
	var out []gguf.KV
	for i, s := range n.specs {
		for e := range n.values[i] {
			name := fmt.Sprintf(s.Source, e)
			if _, missing := n.places[name]; missing {
				return nil, fmt.Errorf("%w: %s: missing tensor %s", gguf.ErrInput, dir, name)
			}
		}
		out = append(out, gguf.KV{Key: s.Key, Value: n.values[i]})
	}
	return out, nil
}
