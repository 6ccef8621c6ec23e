package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
)

// output is a tensor of the checkpoint, made of parts of tensors of the file.
type output struct {
	name  string
	shape []int64
	parts []part
	// rows, if not nil, quantizes its rows.
	rows    rowEncoder
	carried bool // its rows are those of the file (carry.go)
	fields  []field
	// change, if not nil, changes its values before they are written.
	change func([]float32)
}

// rowEncoder makes of a row of a matrix codes and scales, which are the first and the second of an output's fields. typ is the type of scales.
type rowEncoder interface {
	encode(row []float32, typ gguf.Type) (codes, scales []byte, err error)
}

func (o *output) elements() int64 {
	n := int64(1)
	for _, d := range o.shape {
		n *= d
	}
	return n
}

// part is some rows of a tensor of the file, and how conversion moved and changed them.
type part struct {
	src gguf.Tensor
	arch.Tensor
	first, rows int64 // rows of src
}

// run is the number of elements that move together: a row, or an element of a tensor of one dimension that is reordered.
func (p *part) run() int64 {
	if p.Order != nil && len(p.Result()) == 1 {
		return 1
	}
	return p.src.Info().Cols()
}

// runs is how many there are.
func (p *part) runs() int64 { return p.rows * p.src.Info().Cols() / p.run() }

// to is where run r goes in the checkpoint's tensor; below 0 for zeros that it does not have.
func (p *part) to(r int64) int64 {
	if p.Order == nil {
		return r
	}
	return p.Order(r, p.runs())
}

// layout finds what the tensors of a checkpoint are made of. Every tensor of the file must be used, and every element of the
// checkpoint's be there once.
func layout(spec *arch.Spec, tensors []gguf.Tensor) ([]*output, error) {
	byName := map[string]gguf.Tensor{}
	for _, t := range tensors {
		byName[t.Info().Name] = t
	}
	for _, c := range spec.Computed {
		delete(byName, c.Name)
	}
	if len(spec.Numbers) > 0 {
		return nil, errors.New("some of the checkpoint's tensors are metadata in the file, and cannot be written back")
	}
	var all []*output
	bySource, used := map[string]*output{}, map[string]bool{}
	for _, s := range spec.Tensors {
		src, there := byName[s.Name]
		switch {
		case used[s.Name]: // another way in which checkpoints have it
			continue
		case !there && s.Optional:
			continue
		case !there:
			return nil, fmt.Errorf("missing tensor %s", s.Name)
		}
		used[s.Name] = true
		made, err := partsOf(s, src)
		if err != nil {
			return nil, err
		}
		for i, source := range s.Sources() {
			o := bySource[source]
			if o == nil {
				o = &output{name: source, shape: s.Shape}
				all, bySource[source] = append(all, o), o
			}
			o.parts = append(o.parts, made[i])
		}
	}
	for _, t := range tensors {
		if name := t.Info().Name; !used[name] && byName[name] != nil {
			return nil, fmt.Errorf("tensor %s is not one of this architecture's", name)
		}
	}
	for _, o := range all {
		if err := o.whole(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b *output) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// partsOf is what each source of a tensor takes of it.
func partsOf(s arch.Tensor, src gguf.Tensor) ([]part, error) {
	in := src.Info()
	shape := slices.Clone(s.Result())
	if s.Experts > 0 {
		shape = append([]int64{s.Experts}, shape...)
	}
	slices.Reverse(shape)
	if !slices.Equal(trim(shape), trim(in.Shape)) {
		return nil, fmt.Errorf("tensor %s has the shape %v, expected %v", s.Name, in.Shape, shape)
	}
	if !floatsOrBlocks(in.Type) {
		return nil, fmt.Errorf("tensor %s has the type %s, which is not decoded to floats", s.Name, in.Type)
	}
	switch {
	case s.Changes() && (s.Undo == nil || s.ByRow != nil):
		return nil, fmt.Errorf("tensor %s: conversion changes its values in a way that is not undone", s.Name)
	case s.Run > 0:
		return nil, fmt.Errorf("tensor %s: conversion moves its columns, which is not undone", s.Name)
	case s.Transpose && (s.Order != nil || len(s.Shape) != 2 || s.As != nil):
		return nil, fmt.Errorf("tensor %s: conversion cuts and transposes it, which is not undone", s.Name)
	}
	n := max(1, s.Experts)
	out := make([]part, n)
	for e := range out {
		out[e] = part{src, s, int64(e) * in.Rows() / n, in.Rows() / n}
	}
	return out, nil
}

// trim leaves out dimensions of 1 at the end, which GGUF need not say.
func trim(shape []int64) []int64 {
	for len(shape) > 1 && shape[len(shape)-1] == 1 {
		shape = shape[:len(shape)-1]
	}
	return shape
}

// whole requires that the parts make every run of the tensor once.
func (o *output) whole() error {
	if o.parts[0].Transpose {
		if len(o.parts) > 1 {
			return fmt.Errorf("tensor %s is made of several that are transposed, which is not undone", o.name)
		}
		return nil
	}
	run := o.parts[0].run()
	seen := make([]bool, o.elements()/run)
	left := len(seen)
	for _, p := range o.parts {
		if p.run() != run {
			return fmt.Errorf("tensor %s is made of tensors of different widths, which is not undone", o.name)
		}
		for r := range p.runs() {
			to := p.to(r)
			if to < 0 {
				continue
			}
			if to >= int64(len(seen)) || seen[to] {
				return fmt.Errorf("tensor %s: row %d of %s belongs where another one does", o.name, r, p.Name)
			}
			seen[to] = true
			left--
		}
	}
	if left > 0 {
		return fmt.Errorf("tensor %s: the file lacks %d of its %d rows", o.name, left, len(seen))
	}
	return nil
}
