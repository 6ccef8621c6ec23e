package quantize

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carat-llm/carat/quantize/recipe"
)

// Recipe writes the plan down, to be edited and given back as Options.File. Unedited it gives the same
// output for the same source and the same other options. A plan that copies has none.
func (p *Plan) Recipe() (*recipe.File, error) {
	if p.fileType == recipe.Copy {
		return nil, fmt.Errorf("%w: file type %v leaves every tensor unchanged: there is no recipe to save", ErrOptions, p.fileType)
	}
	tensors := make([]recipe.FileTensor, len(p.Tensors))
	for i, t := range p.Tensors {
		ft := recipe.FileTensor{Name: t.Name, Type: t.Type, Reason: t.Reason}
		if !t.Eligible {
			ft.Keep, ft.Reason = true, t.Type.String()+", "+t.Reason
		}
		tensors[i] = ft
	}
	return recipe.NewFile(p.fileType, tensors), nil
}

// TensorTypes is a file for llama-quantize's --tensor-type-file that, with the plan's file type, gives the
// plan's types there. It names every tensor that llama-quantize would decide about.
func (p *Plan) TensorTypes() ([]byte, error) {
	var b bytes.Buffer
	for _, t := range p.Tensors {
		if !t.Eligible {
			continue
		}
		if !p.fileType.Default().Quantized() && t.Type != p.fileType.Default() {
			return nil, fmt.Errorf("%w: llama-quantize ignores --tensor-type with file type %v, but the plan makes %s %s", ErrOptions, p.fileType, t.Name, t.Type)
		}
		fmt.Fprintln(&b, recipe.TensorTypeLine(t.Name, t.Type))
	}
	return b.Bytes(), nil
}

// Notes says in a sentence each what a plan costs that its types do not show: tensors that are quantized
// again, such as are only made larger, and options that made no difference.
func (p *Plan) Notes() []string {
	type count struct {
		from    map[string]bool
		n       int
		example Target
	}
	again, larger := count{from: map[string]bool{}}, count{from: map[string]bool{}}
	for _, t := range p.Tensors {
		c := &again
		switch {
		case !t.Source.Quantized() || t.Source == t.Type:
			continue
		case t.Type.BitsPerWeight() > t.Source.BitsPerWeight():
			c = &larger
		}
		c.from[t.Source.String()] = true
		if c.n++; c.n == 1 {
			c.example = t
		}
	}
	notes := slices.Clone(p.notes)
	note := func(c count, cost string) {
		if c.n > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d tensors are quantized already (%s; %s becomes %s): %s",
				c.n, len(p.Tensors), strings.Join(slices.Sorted(maps.Keys(c.from)), ", "), c.example.Name, c.example.Type, cost))
		}
	}
	note(again, "the error of quantizing again adds to the error that they have; the original gives a better file of the same size")
	note(larger, "they get larger, not better; --keep-quantized leaves them as they are")
	return notes
}
