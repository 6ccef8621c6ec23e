package lora

import (
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// Merge returns the tensors of a checkpoint with what the adapter makes of them, times scale beside its own; those that it does not
// change are the same. name is how a tensor's name, the checkpoint's or the adapter's, is brought to one form. A whole tensor that the
// checkpoint lacks, as the head of a model that has none of its own, comes last.
func (a *Adapter) Merge(tensors []*safetensors.Tensor, scale float64, name func(string) string) ([]*safetensors.Tensor, error) {
	out := slices.Clone(tensors)
	places := make(map[string]int, len(out))
	for i, t := range out {
		places[name(t.Name)] = i
	}
	for _, w := range a.wholes { // first: a changed module may have a base_layer of its own
		if scale != 1 {
			return nil, a.errorf("tensor %s takes the place of the model's, and cannot be scaled by %v: merge the adapter with scale 1", w.tensor.Name, scale)
		}
		i, ok := places[name(w.name)]
		if !ok {
			t := *w.tensor
			t.Name = w.name
			places[name(w.name)] = len(out)
			out = append(out, &t)
			continue
		}
		if !slices.Equal(out[i].Shape, w.tensor.Shape) {
			return nil, a.errorf("tensor %s has the shape %v, but the model's %s, whose place it takes, has %v", w.tensor.Name, w.tensor.Shape, out[i].Name, out[i].Shape)
		}
		t := *w.tensor
		t.Name, t.File = out[i].Name, out[i].File
		out[i] = &t
	}
	for _, c := range a.changes {
		i, ok := places[name(c.Module+".weight")]
		if !ok {
			return nil, hint.Wrap(a.errorf("tensor %s changes %s.weight, which the model does not have", c.A.Name, c.Module), "is this the adapter's base model?")
		}
		m, err := a.merged(c, out[i], scale)
		if err != nil {
			return nil, err
		}
		out[i] = safetensors.Made(m.base.Name, m.base.File, gguf.F32, m.base.Shape, m.read)
	}
	return out, nil
}

// merged checks that a change fits a tensor.
func (a *Adapter) merged(c *Change, base *safetensors.Tensor, scale float64) (*merged, error) {
	want := c.Shape()
	switch {
	case !slices.Equal(base.Shape, want):
		return nil, a.errorf("tensors %s and %s have the shapes %v and %v, which change a tensor of shape %v, but the model's %s has %v",
			c.A.Name, c.B.Name, c.A.Shape, c.B.Shape, want, base.Name, base.Shape)
	case !base.IsFloat():
		return nil, a.errorf("tensor %s changes the model's %s, which has the type %s: it must be F64, F32, F16 or BF16", c.A.Name, base.Name, base.DType)
	case c.Magnitude != nil && scale != 1:
		return nil, a.errorf("tensor %s: an adapter with DoRA cannot be scaled by %v: merge it with scale 1", c.Magnitude.Name, scale)
	}
	return &merged{adapter: a, change: c, base: base, scale: scale * c.Scale, rank: int(c.Rank()), rows: base.Shape[0], cols: base.Shape[1]}, nil
}
