package quantize

import (
	"cmp"
	"maps"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Summary adds up a plan.
type Summary struct {
	// Bytes of tensor data, without padding. FileBytes also has the header and the padding.
	Bytes, FileBytes int64
	Elements         int64
	// BitsPerWeight is 8*Bytes/Elements, 0 for a plan without tensors.
	BitsPerWeight float64
	// Types are those of the output, the most bytes first.
	Types []TypeCount
	// Fallbacks is the number of tensors whose rows did not fit the type that was wanted.
	Fallbacks int
	// Unweighted is the number of tensors that an importance matrix lacks, among those whose type uses one.
	Unweighted int
	// ZeroWeights is the number of tensors with blocks of columns whose weights are all zero.
	ZeroWeights int
}

// TypeCount says how much of a model has a type.
type TypeCount struct {
	Type    gguf.Type
	Tensors int
	Bytes   int64
}

// Summary adds up what Run would write.
func (p *Plan) Summary() (Summary, error) {
	var s Summary
	types := map[gguf.Type]TypeCount{}
	for _, t := range p.Tensors {
		s.Bytes += t.Bytes()
		s.Elements += t.Elements()
		if t.Fallback {
			s.Fallbacks++
		}
		if t.Unweighted {
			s.Unweighted++
		}
		if t.ZeroWeights > 0 {
			s.ZeroWeights++
		}
		c := types[t.Type]
		types[t.Type] = TypeCount{t.Type, c.Tensors + 1, c.Bytes + t.Bytes()}
	}
	if s.Elements > 0 {
		s.BitsPerWeight = 8 * float64(s.Bytes) / float64(s.Elements)
	}
	s.Types = slices.SortedFunc(maps.Values(types), func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Type, b.Type))
	})
	var err error
	s.FileBytes, err = gguf.FileSize(p.Metadata, p.infos())
	return s, err
}

// infos is what the output's header says of the tensors.
func (p *Plan) infos() []gguf.TensorInfo {
	infos := make([]gguf.TensorInfo, len(p.Tensors))
	for i, t := range p.Tensors {
		infos[i] = t.TensorInfo
	}
	return infos
}
