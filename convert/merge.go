package convert

import (
	"fmt"
	"path/filepath"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// LoRA names an adapter's folder, and what its changes are multiplied with beside the scale of its own.
type LoRA struct {
	Dir   string
	Scale float64
}

// merge opens adapters and has the checkpoint's tensors changed by them, each by the one after the other.
func (m *Model) merge(spec *arch.Spec, adapters []LoRA) error {
	if len(adapters) == 0 {
		return nil
	}
	if m.quantized != nil {
		return fmt.Errorf("%w: %s: the weights are quantized already: adapters are merged into weights that are not, as F16 or BF16", gguf.ErrInput, m.dir)
	}
	m.merged = m.files.Tensors()
	from := newSources(spec)
	for _, l := range adapters {
		a, err := lora.Open(l.Dir)
		if err != nil {
			return err
		}
		m.adapters = append(m.adapters, a)
		if m.merged, err = a.Merge(m.merged, l.Scale, from.nameOf); err != nil {
			return err
		}
		m.notes = append(m.notes, fmt.Sprintf("adapter %s: %d tensors are changed, %d replaced", filepath.Base(l.Dir), len(a.Changes()), len(a.Replaced())))
	}
	return nil
}

// checkpoint lists the tensors that the model is made of.
func (m *Model) checkpoint() []*safetensors.Tensor {
	if m.merged != nil {
		return m.merged
	}
	return m.files.Tensors()
}

// nameOf brings a name, of a checkpoint that may leave out what all begin with or of an adapter for it, to that of the family.
func (s sources) nameOf(name string) string {
	text, kind := arch.Source(name)
	if kind == arch.Other {
		return name
	}
	name, _ = s.find(text)
	return name
}
