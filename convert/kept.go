package convert

import (
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/gguf"
)

// Tensors of blocks that GGUF has, too, are written as they are, in front of all others as the reference does. Factors for
// the whole tensor stand beside it: name.scale for name.weight, and name.input_scale.

// keptTypes are the file types of models with such tensors, for files of floats.
var keptTypes = map[gguf.Type]uint32{gguf.MXFP4: 38, gguf.NVFP4: 39}

// keptIn are the tensors that stay quantized among those that were made, and the others. Tensors without a source are
// their scales.
func keptIn(made []gguf.Tensor) (kept, others []gguf.Tensor) {
	for _, x := range made {
		switch x := x.(type) {
		case *tensor:
			if x.kept {
				kept = append(kept, x)
				continue
			}
		case *stack:
			if x.parts[0].kept {
				kept = append(kept, x)
				continue
			}
		case *computed:
			kept = append(kept, x)
			continue
		}
		others = append(others, x)
	}
	return kept, others
}

// scalesOf are the tensors of scales of a tensor that stays quantized, or of the experts of a stack: none where all are 1.
func scalesOf(parts []*tensor) (out []gguf.Tensor) {
	if !parts[0].kept {
		return nil
	}
	for i, scale := range parts[0].in.Scales {
		values := make([]float32, len(parts))
		for e, t := range parts {
			values[e] = t.in.Scales[i].Value
		}
		near := 1e-6
		if parts[0].spec.Experts > 0 {
			near = 1.1e-5 // as numpy.allclose has it
		}
		if !slices.ContainsFunc(values, func(v float32) bool { return math.Abs(float64(v)-1) >= near }) {
			continue
		}
		name := strings.TrimSuffix(parts[0].Name, ".weight") + "." + scale.Name
		out = append(out, newComputed(arch.Computed{Name: name, Values: values}))
	}
	return out
}

// shaped are the specs of a tensor that may be stored in several shapes: those of its own, and of two ways that have it the first.
func shaped(t *prequant.Tensor, specs []arch.Tensor) []arch.Tensor {
	var out []arch.Tensor
	for _, s := range specs {
		if slices.Equal(s.Shape, t.Shape) && !slices.ContainsFunc(out, func(x arch.Tensor) bool { return x.Name == s.Name }) {
			out = append(out, s)
		}
	}
	if out == nil {
		return specs
	}
	return out
}

// turned are the specs of a tensor whose matrices are output x input already.
func turned(t *prequant.Tensor, specs []arch.Tensor) []arch.Tensor {
	if !t.Turned {
		return specs
	}
	out := slices.Clone(specs)
	for i := range out {
		if s := &out[i]; s.Transpose {
			n := len(s.Shape)
			s.Shape = slices.Clone(s.Shape)
			s.Shape[n-2], s.Shape[n-1] = s.Shape[n-1], s.Shape[n-2]
			s.Transpose = false
		}
	}
	return out
}

// fileType is general.file_type of a file of type out: that of what stays quantized, in a file of floats.
func (m *Model) fileType(out uint32) uint32 {
	if out == outTypes["q8_0"].fileType {
		return out
	}
	for _, x := range m.tensors {
		if t, ok := keptTypes[x.Info().Type]; ok { // which no tensor has that was not kept
			return t
		}
	}
	return out
}
