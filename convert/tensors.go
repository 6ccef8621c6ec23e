package convert

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// sources finds what becomes of a checkpoint's tensors by their names.
type sources struct {
	prefix  string
	made    map[string][]arch.Tensor // by Source
	leftOut []arch.LeftOut
}

func newSources(spec *arch.Spec) sources {
	s := sources{spec.Prefix, make(map[string][]arch.Tensor, len(spec.Tensors)), spec.LeftOut}
	for _, t := range spec.Tensors {
		s.made[t.Source] = append(s.made[t.Source], t)
	}
	return s
}

// find returns the tensor's name as the family has it, and what it becomes.
func (s sources) find(name string) (string, []arch.Tensor) {
	for _, n := range []string{name, s.prefix + name} {
		if specs := specsOf(s.made, n); specs != nil {
			return n, specs
		}
	}
	return name, nil
}

// without finds why a tensor that the family does not have is left out.
func (s sources) without(name string) (arch.LeftOut, bool) {
	for _, l := range s.leftOut {
		if l.Has(name) || l.Has(s.prefix+name) {
			return l, true
		}
	}
	return arch.LeftOut{}, false
}

// met is what was found in the checkpoint and made of it.
type met struct {
	sources map[string]string // names in the checkpoint by those of the family
	made    map[string]string // the source of each tensor, by its name in GGUF
}

// mapTensors turns the checkpoint's tensors into GGUF's, in the checkpoint's order.
func (m *Model) mapTensors(spec *arch.Spec, out gguf.Type, adapters ...LoRA) error {
	from := newSources(spec)
	have := met{map[string]string{}, map[string]string{}}
	stacks, nums := newStacker(spec.Tensors), newNumbers(spec.Numbers)
	set, err := prequant.Tensors(m.files.Tensors(), m.quantized)
	if err != nil {
		return err
	}
	if err := m.merge(from, adapters, set); err != nil {
		return err
	}
	var others []string
	scales := set.Cache
	without := map[string][]string{}
	var kept []gguf.Tensor
	for _, t := range set.Tensors {
		name, kind := arch.Source(t.Name)
		switch kind {
		case arch.Buffer:
			continue
		case arch.Scale:
			scales = append(scales, t.Name)
			continue
		case arch.Other:
			others = append(others, t.Name)
			continue
		}
		name, specs := from.find(name)
		if specs == nil {
			if ok, err := nums.take(t.Tensor, name); err != nil {
				return err
			} else if ok {
				continue
			}
			if l, ok := from.without(name); ok {
				without[l.What] = append(without[l.What], t.Name)
				continue
			}
			return m.unexpected(t.Tensor)
		}
		if first, ok := have.sources[name]; ok {
			return fmt.Errorf("%w: %s: tensors %s and %s are both the model's %s", gguf.ErrInput, m.path(t.Tensor), first, t.Name, name)
		}
		have.sources[name] = t.Name
		if specs[0].Copy && have.made[specs[0].Name] != "" {
			continue
		}
		made, err := m.makeTensors(t, name, specs, stacks, out)
		if err != nil {
			return err
		}
		for _, x := range made {
			if first, ok := have.made[x.Info().Name]; ok {
				return fmt.Errorf("%w: %s: tensors %s and %s are both the model's %s", gguf.ErrInput, m.path(t.Tensor), first, t.Name, x.Info().Name)
			}
			have.made[x.Info().Name] = t.Name
		}
		first, rest := keptIn(made)
		kept, m.tensors = append(kept, first...), append(m.tensors, rest...)
	}
	m.tensors = append(kept, m.tensors...)
	m.leftOut(set.Activations, "%d scales of activations are left out (%s): runtimes find their own")
	m.leftOut(others, "%d tensors that are not the text model's are left out (%s): the vision or audio part of a multimodal model")
	m.leftOut(scales, "%d scales of a quantized key-value cache are left out (%s): GGUF cannot hold them")
	for _, what := range slices.Sorted(maps.Keys(without)) {
		if what != "" {
			m.leftOut(without[what], "%d tensors are left out (%s): "+what)
		}
	}
	if m.numbers, err = nums.kvs(m.dir); err != nil {
		return err
	}
	return m.checkComplete(spec, have)
}

// makeTensors makes what t becomes: nothing while experts of its layer are missing.
func (m *Model) makeTensors(t *prequant.Tensor, name string, specs []arch.Tensor, stacks *stacker, out gguf.Type) ([]gguf.Tensor, error) {
	specs = turned(t, shaped(t, specs))
	if !slices.Equal(t.Shape, specs[0].Shape) {
		return nil, fmt.Errorf("%w: %s: tensor shape: %s is %v, but config.json says %v", gguf.ErrInput, m.path(t.Tensor), t.Name, t.Shape, specs[0].Shape)
	}
	if !t.IsFloat() {
		return nil, fmt.Errorf("%w: %s: tensor %s has the type %s, but weights must be F64, F32, F16 or BF16", gguf.ErrInput, m.path(t.Tensor), t.Name, t.DType)
	}
	if specs[0].Experts > 0 {
		return stacks.add(specs[0], name, newQuantized(t, specs[0], out), out), nil
	}
	var made []gguf.Tensor
	for _, s := range specs {
		x := newQuantized(t, s, out)
		made = append(append(made, x), scalesOf([]*tensor{x})...)
	}
	return made, nil
}

// leftOut notes tensors that do not become part of the file, with a few of their names.
func (m *Model) leftOut(names []string, format string) {
	if len(names) == 0 {
		return
	}
	some := strings.Join(names[:min(2, len(names))], ", ")
	if len(names) > 2 {
		some += ", ..."
	}
	m.notes = append(m.notes, fmt.Sprintf(format, len(names), some))
}

// unexpected says what a tensor is that the family does not have.
func (m *Model) unexpected(t *safetensors.Tensor) error {
	err := fmt.Errorf("%w: %s: unexpected tensor %s: this architecture has no such tensor", gguf.ErrInput, m.path(t), t.Name)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains("."+t.Name, p) })
	}
	switch {
	case has(".lora_A", ".lora_B", ".base_layer.", ".lora_embedding"):
		return hint.Wrap(err, "it is part of an adapter (LoRA) that is not merged: give the model without it, and the adapter's folder by --lora")
	case has(".score.", ".classifier.", ".classification_head.", ".v_head.", ".cls."):
		return hint.Wrap(err, "it is the head of a classifier, reranker or reward model, which carat does not convert")
	case has(".qweight", ".qzeros", ".g_idx", ".weight_scale", ".weight_packed", ".weight_shape", ".absmax", ".quant_map", ".SCB", ".weight_scale_inv", ".scales"):
		return hint.Wrap(err, "it is part of a weight that is quantized already, in a way that config.json (quantization_config) does not say: convert the checkpoint that this one was made from, in BF16 or F16")
	case has(".mtp."):
		return hint.Wrap(err, "it predicts several tokens at once, which carat does not convert")
	}
	return err
}

// checkComplete requires every tensor of the family, in one of the ways in which checkpoints have it. What is missing is
// said of the first of them.
func (m *Model) checkComplete(spec *arch.Spec, have met) error {
	for _, s := range spec.Tensors {
		if s.Optional || have.made[s.Name] != "" {
			continue
		}
		for expert, name := range s.Sources() {
			switch {
			case have.sources[name] != "":
			case s.Experts > 0:
				return fmt.Errorf("%w: %s: missing tensor %s: expert %d of %d of %s", gguf.ErrInput, m.dir, name, expert, s.Experts, s.Name)
			default:
				return fmt.Errorf("%w: %s: missing tensor %s", gguf.ErrInput, m.dir, name)
			}
		}
	}
	return nil
}

func (m *Model) path(t *safetensors.Tensor) string { return filepath.Join(m.dir, t.File) }
