package main

import (
	"errors"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/recipe"
)

// allocation is the choice of types under a budget.
type allocation struct {
	budgetReport
	tensors  []allocate.Tensor
	rest     int64 // bytes of header, padding and tensors that are not chosen
	header   int64 // bytes of the file that are no tensors'
	elements int64
	choice   allocate.Choice
}

// newAllocation is to choose the types of the tensors that were measured; others have those of base.
func newAllocation(base *quantize.Plan, tensors []allocate.Tensor) (*allocation, error) {
	sum, err := base.Summary()
	if err != nil {
		return nil, err
	}
	a := &allocation{tensors: tensors, rest: sum.FileBytes, header: sum.FileBytes - sum.Bytes, elements: sum.Elements}
	measured := a.measured()
	for _, t := range base.Tensors {
		if _, ok := measured[t.Name]; ok {
			a.rest -= allocate.Padded(t.TensorInfo, t.Type)
		}
	}
	return a, nil
}

// measured says which of the measured tensors has a name.
func (a *allocation) measured() map[string]int {
	index := map[string]int{}
	for i, t := range a.tensors {
		index[t.Name] = i
	}
	return index
}

// choose makes the choice.
func (a *allocation) choose(b budget) (err error) {
	a.MostBytes = b.bytes
	switch {
	case b.bits > 0:
		a.MostBytes = int64(b.bits*float64(a.elements)/8) + a.header
	case b.need != nil:
		a.MostBytes = b.memory - b.need.Cache - b.need.Work
		a.Memory = &memoryUse{b.context, 0, b.need.Cache, b.need.Work, 0, b.memory}
	}
	a.choice, err = allocate.Solve(allocate.Classes(a.tensors), a.MostBytes-a.rest)
	if errors.Is(err, allocate.ErrBudget) {
		return fmt.Errorf("%w: %s is too small for this model: %w; %s of it are not a matter of choice", quantize.ErrOptions, display.Bytes(a.MostBytes), err, display.Bytes(max(0, a.rest)))
	}
	if err != nil {
		return err
	}
	a.FileBytes = a.choice.Bytes + a.rest
	a.BitsPerWeight = a.bitsPerWeight(a.FileBytes)
	a.Expected, a.Bound = a.choice.Cost, a.choice.Bound
	if a.Memory != nil {
		a.Memory.Weights = a.FileBytes
		a.Memory.Sum = a.FileBytes + a.Memory.Cache + a.Memory.Work
	}
	return nil
}

// bitsPerWeight are those of the tensors in a file of that size.
func (a *allocation) bitsPerWeight(fileBytes int64) float64 {
	return 8 * float64(fileBytes-a.header) / float64(a.elements)
}

// recipe is the choice written down, with those of base for what was not measured.
func (a *allocation) recipe(base *quantize.Plan) *recipe.File {
	measured, bytes := a.measured(), map[gguf.Type]int64{}
	var list []recipe.FileTensor
	for _, t := range base.Tensors {
		f := recipe.FileTensor{Name: t.Name, Type: t.Type, Keep: t.Type == t.Source, Reason: t.Reason}
		if i, ok := measured[t.Name]; ok {
			x, k := a.tensors[i], a.choice.Of[i]
			f.Type, f.Keep = x.Types[k], false
			f.Reason = fmt.Sprintf("sensitivity %.3g, expected divergence %.3g", x.Sensitivity, x.Sensitivity*x.Losses[k])
			bytes[f.Type] += allocate.Padded(t.TensorInfo, f.Type)
		}
		list = append(list, f)
	}
	return recipe.NewFile(fileTypeOf(bytes), list)
}

// fileTypeOf names a file by the type that most of its bytes have.
func fileTypeOf(bytes map[gguf.Type]int64) recipe.FileType {
	var most gguf.Type
	for t, n := range bytes {
		if n > bytes[most] || n == bytes[most] && t < most {
			most = t
		}
	}
	for _, name := range recipe.Names() {
		if ft, err := recipe.ParseFileType(name); err == nil && ft.Default() == most {
			return ft
		}
	}
	return fallbackType
}
