package convert

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/general"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// OpenAdapter opens the folder of an adapter as the GGUF adapter that the reference converter (convert_lora_to_gguf.py) makes of it. base is the
// checkpoint folder of its base model, of which config.json is enough. Without an outtype matrices become F32.
func OpenAdapter(dir, base string, o Options) (*Model, error) {
	cfg, err := arch.ReadConfig(base)
	if err != nil {
		return nil, err
	}
	family, _, cfg, err := arch.Find(cfg)
	if err != nil {
		return nil, err
	}
	spec := family.Describe(cfg)
	if err := cfg.Err(); err != nil {
		return nil, err
	}
	a, err := lora.Open(dir)
	if err != nil {
		return nil, err
	}
	m := &Model{dir: dir, files: &safetensors.Files{}, adapters: []*lora.Adapter{a}}
	if err := m.buildAdapter(family, spec, a, o); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Model) buildAdapter(family *arch.Family, spec *arch.Spec, a *lora.Adapter, o Options) error {
	var all []*safetensors.Tensor
	for _, c := range a.Changes() {
		all = append(all, c.A, c.B)
	}
	out, err := findOutType(cmp.Or(o.OutType, "f32"), all)
	if err != nil {
		return err
	}
	toMerge := func(format string, args ...any) error {
		return hint.Wrap(fmt.Errorf("%w: %s: %s", gguf.ErrInput, m.dir, fmt.Sprintf(format, args...)), "merge the adapter while converting the model: carat convert MODEL --lora %s", m.dir)
	}
	if whole := a.Replaced(); len(whole) > 0 {
		return toMerge("the adapter replaces %d tensors (%s), which a GGUF adapter cannot", len(whole), whole[0])
	}
	if a.DoRA() {
		return toMerge("the adapter is one of DoRA, which a GGUF adapter cannot be")
	}
	from := newSources(spec)
	weights := int64(0)
	experts := newExpertChanges(spec.Tensors)
	factor := func(c *lora.Change) float64 { return c.Scale * float64(c.Rank()) / a.Alpha }
	stack := func(layer string) error {
		made, n, err := experts.take(layer, out.tensor, factor)
		if err != nil {
			return toMerge("%s", err)
		}
		weights, m.tensors = weights+n, append(m.tensors, made...)
		return nil
	}
	for _, c := range a.Changes() {
		name, specs := from.find(from.nameOf(c.Module + ".weight"))
		if specs == nil {
			return fmt.Errorf("%w: %s: %s has no counterpart in a %s model", gguf.ErrInput, m.dir, c.Module, family.Name)
		}
		if shape := c.Shape(); !slices.Equal(specs[0].Shape, shape) {
			return fmt.Errorf("%w: %s: the adapter changes %s as a tensor of shape %v, but the model's has %v", gguf.ErrInput, m.dir, c.Module, shape, specs[0].Shape)
		}
		for _, s := range specs {
			if s.Experts > 0 {
				if experts.add(s, name, c) {
					if err := stack(layerOf(s)); err != nil {
						return err
					}
				}
				continue
			}
			p, err := newPair(c, s)
			if err != nil {
				return toMerge("%s: %s", c.Module, err)
			}
			weights += p.rows * p.cols
			for _, t := range p.tensors(out.tensor, factor(c)) {
				m.tensors = append(m.tensors, t)
			}
		}
	}
	for _, layer := range experts.order {
		if err := stack(layer); err != nil {
			return err
		}
	}
	// The reference's counter of weights is negative for adapters, and takes its size labels from nothing then.
	kvs, notes, err := general.Metadata(m.dir, nil, general.Options{ModelName: o.ModelName, MetadataFile: o.MetadataFile, Parameters: -weights})
	if err != nil {
		return err
	}
	m.notes = notes
	m.metadata = &gguf.Metadata{}
	m.metadata.Set("general.architecture", cmp.Or(spec.Name, family.Name))
	m.metadata.Set("general.type", "adapter")
	m.metadata.Set("adapter.type", "lora")
	for _, kv := range kvs {
		if kv.Key != "general.type" {
			m.metadata.Set(kv.Key, kv.Value)
		}
	}
	m.metadata.Set("adapter.lora.alpha", float32(a.Alpha))
	m.metadata.Set("general.quantization_version", uint32(2))
	return nil
}

// pair is how an adapter's change of a weight of rows x cols, b * a, is made for GGUF.
type pair struct {
	name       string
	rows, cols int64
	a, b       arch.Tensor
	srcA, srcB *safetensors.Tensor
}

// newPair moves the factors of W = left * right as the family moves W. Whatever moves rows moves those of left, and moves of columns
// those of right; a transposed product is that of the transposed factors.
func newPair(c *lora.Change, s arch.Tensor) (*pair, error) {
	result, columns := s.Result(), s.Shape[1]
	if s.Transpose {
		columns = s.Shape[0]
	}
	switch {
	case s.Changes():
		return nil, fmt.Errorf("the values of %s are changed by conversion, which its adapter cannot follow", s.Name)
	case len(result) != 2 || result[1] != columns:
		return nil, fmt.Errorf("%s has another shape, %v, than the checkpoint's, %v, and its adapter cannot follow", s.Name, result, s.Shape)
	}
	p := &pair{name: s.Name, rows: result[0], cols: result[1], srcA: c.A, srcB: c.B}
	// A is rank x inputs and B outputs x rank; where the result is inputs x outputs, the two change places and are transposed.
	turned := c.Transposed != s.Transpose
	if turned {
		p.srcA, p.srcB = c.B, c.A
	}
	p.a = arch.Tensor{Shape: p.srcA.Shape, Transform: arch.Transform{Transpose: turned}}
	p.b = arch.Tensor{Shape: p.srcB.Shape, As: []int64{p.rows, c.Rank()}, Transform: arch.Transform{Transpose: turned}}
	switch {
	case s.Order == nil:
	case s.Run == 0:
		p.b.Order = s.Order
	default:
		columns, err := columnMap(s, p.rows, p.cols)
		if err != nil || turned {
			return nil, fmt.Errorf("the columns of %s are moved in a way that its adapter cannot follow", s.Name)
		}
		p.a.Order, p.a.Run = columns, s.Run
	}
	if s.Name == "token_embd.weight" { // rows are looked up in it, not multiplied
		p.a, p.b, p.srcA, p.srcB = p.b, p.a, p.srcB, p.srcA
		p.b.Transpose, p.b.As = !p.b.Transpose, nil
	}
	return p, nil
}

// columnMap is the map of runs within rows that moves runs of a matrix alike in every row, for a matrix of any number of rows.
func columnMap(s arch.Tensor, rows, cols int64) (func(r, rows int64) int64, error) {
	each, runs := cols/s.Run, rows*cols/s.Run
	for _, row := range []int64{0, rows - 1} {
		for i := range each {
			if from := s.Order(row*each+i, runs); from/each != row || from%each != s.Order(i, runs) {
				return nil, errors.New("rows differ")
			}
		}
	}
	return func(r, _ int64) int64 { return r/each*each + s.Order(r%each, runs) }, nil
}

// tensors are the two, of which b is multiplied with factor.
func (p *pair) tensors(out gguf.Type, factor float64) []*tensor {
	p.a.Name, p.b.Name = p.name+".lora_a", p.name+".lora_b"
	if float32(factor) != 1 {
		p.b.Values = func(values []float32) {
			for i, v := range values {
				values[i] = float32(float64(v) * factor)
			}
		}
	}
	a, b := newTensor(p.srcA, p.a, out), newTensor(p.srcB, p.b, out)
	a.become(out)
	b.become(out)
	return []*tensor{a, b}
}
