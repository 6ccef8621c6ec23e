package convert

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// stack is a tensor whose parts, of as many rows each, lie apart in the checkpoint. Its rows are those of the first
// part, then those of the second, and so on; each is read from where it lies.
type stack struct {
	gguf.TensorInfo
	parts []*tensor
}

// newStack makes one of three dimensions of experts.
func newStack(experts []*tensor) *stack {
	info := experts[0].TensorInfo
	info.Shape = []int64{info.Shape[0], info.Shape[1], int64(len(experts))}
	return &stack{info, experts}
}

// slab cuts a tensor of three dimensions, in which all experts of a layer stand one after the other, into the
// parts of each expert that spec names.
func slab(t *safetensors.Tensor, spec arch.Tensor, out gguf.Type) []*tensor {
	experts := make([]*tensor, spec.Experts)
	part := spec.Shape[0] * spec.Shape[1]
	for e := range experts {
		experts[e] = newTensor(t.Slice((int64(e)*spec.Parts+spec.Part)*part, spec.Shape), spec, out)
	}
	return experts
}

func (s *stack) Info() gguf.TensorInfo { return s.TensorInfo }

// ReadRows implements gguf.Tensor. Rows may be of several parts.
func (s *stack) ReadRows(dst []byte, first, n int64) error {
	if first < 0 || n < 0 || first+n > s.Rows() || int64(len(dst)) != n*s.RowBytes() {
		return fmt.Errorf("tensor %s: rows %d to %d of %d into %d bytes", s.Name, first, first+n, s.Rows(), len(dst))
	}
	rows := s.parts[0].Rows()
	for n > 0 {
		within := first % rows
		k := min(n, rows-within)
		if err := s.parts[first/rows].ReadRows(dst[:k*s.RowBytes()], within, k); err != nil {
			return err
		}
		dst, first, n = dst[k*s.RowBytes():], first+k, n-k
	}
	return nil
}

// stacker gathers the experts of each layer. As in the reference's files, the stacks of a layer stand
// together, in the order of the family's list, where the last of their tensors was found.
type stacker struct {
	layers map[string][]arch.Tensor      // by what the names of a layer's experts begin with
	parts  map[string]map[string]*tensor // what was found of them, by name in the checkpoint
}

func newStacker(specs []arch.Tensor) *stacker {
	s := &stacker{map[string][]arch.Tensor{}, map[string]map[string]*tensor{}}
	for _, spec := range specs {
		if spec.Experts > 0 {
			layer := layerOf(spec)
			s.layers[layer] = append(s.layers[layer], spec)
			s.parts[layer] = map[string]*tensor{}
		}
	}
	return s
}

// specOf finds what becomes of the checkpoint's tensor called name. The names of experts are not made in advance:
// config.json may claim millions of them.
func specOf(bySource map[string]arch.Tensor, name string) (arch.Tensor, bool) {
	if spec, ok := bySource[name]; ok && spec.Experts == 0 {
		return spec, true
	}
	module, rest, _ := strings.Cut(name, ".experts.")
	number, matrix, _ := strings.Cut(rest, ".")
	spec, ok := bySource[module+".experts.%d."+matrix]
	expert, err := strconv.ParseInt(number, 10, 64)
	return spec, ok && err == nil && expert < spec.Experts && strconv.FormatInt(expert, 10) == number && expert >= 0
}

func layerOf(spec arch.Tensor) string {
	layer, _, _ := strings.Cut(spec.Source, "%d")
	return layer
}

// add takes one expert's tensor, by its name in the family, and returns the layer's stacks when it was the last.
func (s *stacker) add(spec arch.Tensor, name string, t *tensor) []gguf.Tensor {
	layer := layerOf(spec)
	parts, specs := s.parts[layer], s.layers[layer]
	parts[name] = t
	if int64(len(parts)) < int64(len(specs))*spec.Experts {
		return nil
	}
	var out []gguf.Tensor
	for _, spec := range specs {
		var experts []*tensor
		for _, name := range spec.Sources() {
			experts = append(experts, parts[name])
		}
		out = append(out, newStack(experts))
	}
	return out
}
