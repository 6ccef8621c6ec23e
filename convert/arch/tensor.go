package arch

import (
	"fmt"
	"strings"
)

// Tensor says how a tensor of GGUF is made: of one tensor of the checkpoint, or of a stack of numbered ones.
//
// Several may be made of one source (a fused tensor is cut in parts: each has its own Transform), and several may have
// the same Name: they are the ways in which checkpoints hold it, and one of them is enough. A tensor is written when
// the last of its sources was met, the tensors of one source in the order of the list, as the reference does.
type Tensor struct {
	Source string  // name in the checkpoint
	Name   string  // name in GGUF
	Shape  []int64 // in the checkpoint, the contiguous dimension last
	// As is the shape that it takes, if not nil: one dimension more or less, a part of the rows, or what Transpose makes of it.
	As []int64
	// Experts above 0 stacks that many tensors of the checkpoint, each of that Shape, in a dimension before theirs. Source
	// then has %d where their names have their number.
	Experts int64
	// Copy says that other sources of the same Name may stand beside this one: the first is taken.
	Copy bool
	// Optional tensors may be absent.
	Optional bool
	Transform
}

// Sources are the names of the checkpoint's tensors that this one is made of: one, or one for each expert.
func (t Tensor) Sources() []string {
	if t.Experts == 0 {
		return []string{t.Source}
	}
	names := make([]string, t.Experts)
	for e := range names {
		names[e] = fmt.Sprintf(t.Source, e)
	}
	return names
}

// Result is the shape of what is made of one source.
func (t Tensor) Result() []int64 {
	switch n := len(t.Shape); {
	case t.As != nil:
		return t.As
	case t.Transpose && n >= 2:
		out := append([]int64(nil), t.Shape...)
		out[n-2], out[n-1] = out[n-1], out[n-2]
		return out
	}
	return t.Shape
}

// Computed is a float32 tensor of one dimension that is made from the config.
type Computed struct {
	Name   string
	Values []float32
}

// Numbers are tensors of one element each, whose names have their number at %d, that become one array in front of the
// general entries.
type Numbers struct {
	Key, Source string
	Count       int64
}

// LeftOut are tensors whose names begin with Prefix and end with Suffix.
type LeftOut struct {
	Prefix, Suffix string
	// What is said of them, "" for what nobody misses.
	What string
}

// Has reports whether a tensor is one of them.
func (l LeftOut) Has(name string) bool {
	return strings.HasPrefix(name, l.Prefix) && strings.HasSuffix(name, l.Suffix)
}
