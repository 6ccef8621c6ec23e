package convert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
)

// stack is a tensor whose parts, of as many rows each, lie apart in the checkpoint. Its rows are those of the first
// part, then those of the second, and so on; each is read from where it lies.
type stack struct {
	gguf.TensorInfo
	parts []*tensor
}

// newStack makes one of a dimension more, of experts.
func newStack(experts []*tensor) *stack {
	info := experts[0].TensorInfo
	info.Shape = append(slices.Clone(info.Shape), int64(len(experts)))
	return &stack{info, experts}
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

// specsOf finds what becomes of the checkpoint's tensor called name. The names of experts are not made in advance:
// config.json may claim millions of them. Of the numbers in a name the last that fits is the expert's.
func specsOf(bySource map[string][]arch.Tensor, name string) []arch.Tensor {
	if specs := bySource[name]; specs != nil && specs[0].Experts == 0 {
		return specs
	}
	parts := strings.Split(name, ".")
	for i := len(parts) - 1; i > 0; i-- {
		expert, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil || expert < 0 || strconv.FormatInt(expert, 10) != parts[i] {
			continue
		}
		specs := bySource[strings.Join(parts[:i], ".")+".%d"+strings.Join(append([]string{""}, parts[i+1:]...), ".")]
		if specs != nil && expert < specs[0].Experts {
			return specs
		}
	}
	return nil
}

func layerOf(spec arch.Tensor) string {
	layer, _, _ := strings.Cut(spec.Source, "%d")
	return layer
}

// add takes one expert's tensor, by its name in the family, and returns the layer's stacks when it was the last, with the
// scales of those that stay quantized as they are. Experts are kept so if all of a stack are.
func (s *stacker) add(spec arch.Tensor, name string, t *tensor, out gguf.Type) []gguf.Tensor {
	layer := layerOf(spec)
	parts, specs := s.parts[layer], s.layers[layer]
	parts[name] = t
	if int64(len(parts)) < int64(len(specs))*spec.Experts {
		return nil
	}
	var made []gguf.Tensor
	for _, spec := range specs {
		var experts []*tensor
		for _, name := range spec.Sources() {
			experts = append(experts, parts[name])
		}
		if slices.ContainsFunc(experts, func(t *tensor) bool { return t.Type != experts[0].Type }) {
			for i, t := range experts {
				experts[i] = t.decoded(out)
			}
		}
		made = append(append(made, newStack(experts)), scalesOf(experts)...)
	}
	return made
}
