package convert

import (
	"fmt"
	"path/filepath"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
)

// LoRA names an adapter's folder, and what its changes are multiplied with beside the scale of its own.
type LoRA struct {
	Dir   string
	Scale float64
}

// merge opens adapters and has the checkpoint's tensors changed by them, each by the one after the other. Weights that are quantized
// already are decoded where they are changed, and so are not kept as they are.
func (m *Model) merge(from sources, adapters []LoRA, set *prequant.Set) error {
	if len(adapters) == 0 {
		return nil
	}
	var tensors []*safetensors.Tensor
	for _, t := range set.Tensors {
		tensors = append(tensors, t.Tensor)
	}
	for _, l := range adapters {
		a, err := lora.Open(l.Dir)
		if err != nil {
			return err
		}
		m.adapters = append(m.adapters, a)
		if tensors, err = a.Merge(tensors, l.Scale, from.nameOf); err != nil {
			return err
		}
		m.notes = append(m.notes, fmt.Sprintf("adapter %s: %d tensors are changed, %d replaced", filepath.Base(l.Dir), len(a.Changes()), len(a.Replaced())))
	}
	var decoded []string
	for i, t := range tensors {
		switch {
		case i == len(set.Tensors):
			set.Tensors = append(set.Tensors, &prequant.Tensor{Tensor: t})
		case set.Tensors[i].Tensor != t:
			if set.Tensors[i].Kept != nil {
				decoded = append(decoded, t.Name)
			}
			set.Tensors[i] = &prequant.Tensor{Tensor: t, Turned: set.Tensors[i].Turned}
		}
	}
	m.leftOut(decoded, "%d tensors that would be kept quantized as they are (%s) are decoded: an adapter changes them")
	return nil
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
