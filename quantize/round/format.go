package round

import (
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
)

// group is the number of columns whose levels are chosen together when rows are rounded to t, which their factor must keep
// together; 0 says that the encoder alone chooses.
func group(t gguf.Type) int {
	if b := books[t]; b != nil {
		return b.Group()
	}
	if _, ok := codec.GridOf(t); ok {
		return 1
	}
	return 0
}

// groups lists those of types, in ascending order.
func groups(types []gguf.Type) []int {
	var all []int
	for _, t := range types {
		all = append(all, group(t))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rows rounds encoded rows of any type that group takes; see Rows.
func rows(encoded []byte, src []float32, t gguf.Type, f *hessian.Factor, o Options) {
	if b := books[t]; b != nil {
		pointRows(encoded, src, b, f, o)
		return
	}
	grid, _ := codec.GridOf(t)
	Rows(encoded, src, grid, f, o)
}
