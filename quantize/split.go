package quantize

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// keepSplit orders tensors by file and place and returns the split that they lie in.
func keepSplit(tensors []gguf.Tensor) (gguf.Split, error) {
	var counts []int
	for _, t := range tensors {
		p, ok := t.(gguf.Placed)
		if !ok {
			return gguf.Split{}, fmt.Errorf("%w: keeping the split needs a GGUF file as the source: tensor %s is not in one", ErrOptions, t.Info().Name)
		}
		file, _ := p.Place()
		counts = append(counts, make([]int, max(0, file+1-len(counts)))...)
		counts[file]++
	}
	slices.SortStableFunc(tensors, func(a, b gguf.Tensor) int {
		fileA, atA := a.(gguf.Placed).Place()
		fileB, atB := b.(gguf.Placed).Place()
		return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(atA, atB))
	})
	return gguf.Split{Counts: counts}, nil
}

// Paths lists the files that Run writes for path, in order.
func (p *Plan) Paths(path string) ([]string, error) {
	return p.Split.Paths(path, p.Metadata, p.infos())
}
