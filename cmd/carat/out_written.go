package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize"
)

// written is the JSON of convert, quantize and build.
type written struct {
	Output    *outputFile     `json:"output,omitempty"` // absent with --dry-run
	Tensors   []plannedTensor `json:"tensors"`
	Bytes     int64           `json:"bytes"`
	Fallbacks int             `json:"fallbacks"`
	// Tensors that the importance matrix lacks though their types use one, and tensors of which it has blocks
	// of zeros.
	Unweighted  int           `json:"unweighted,omitempty"`
	ZeroWeights int           `json:"zero_weights,omitempty"`
	BPW         float64       `json:"bits_per_weight"`
	Notes       []string      `json:"notes,omitempty"`
	Budget      *budgetReport `json:"budget,omitempty"`
	Eval        any           `json:"eval,omitempty"`
	fileBytes   int64         // with header and padding
}

// outputFile of a split has the first file's path, the bytes of all, and parts instead of a hash.
type outputFile struct {
	Path   string        `json:"path"`
	Bytes  int64         `json:"bytes"`
	SHA256 string        `json:"sha256,omitempty"`
	Parts  []*outputFile `json:"parts,omitempty"`
}

type plannedTensor struct {
	Name       string  `json:"name"`
	Shape      []int64 `json:"shape"`
	SourceType string  `json:"source_type"`
	Type       string  `json:"type"`
	Bytes      int64   `json:"bytes"`
	Reason     string  `json:"reason"`
	Fallback   bool    `json:"fallback"`
}

// describe is what a plan makes.
func describe(plan *quantize.Plan) (*written, error) {
	sum, err := plan.Summary()
	if err != nil {
		return nil, err
	}
	w := &written{
		Tensors: []plannedTensor{}, Notes: plan.Notes(), Bytes: sum.Bytes, Fallbacks: sum.Fallbacks, Unweighted: sum.Unweighted, ZeroWeights: sum.ZeroWeights,
		BPW: sum.BitsPerWeight, fileBytes: sum.FileBytes,
	}
	for _, t := range plan.Tensors {
		w.Tensors = append(w.Tensors, plannedTensor{t.Name, t.Shape, t.Source.String(), t.Type.String(), t.Bytes(), t.Reason, t.Fallback})
	}
	return w, nil
}

// print shows what each tensor became. Tensors that differ only in their layer's number and became the
// same share a row.
func (w *written) print(out io.Writer) {
	t := newTable(out)
	t.row("tensor", "shape", "from", "to", "     size", "rule")
	for _, r := range groupRows(w.Tensors) {
		rule := r.Reason
		if r.Fallback {
			rule += " (fallback)"
		}
		t.row(r.Name, shapeString(r.Shape), r.SourceType, r.Type, size(r.Bytes), rule)
	}
	t.flush()
	printf(out, "\n%d tensors, %s, %.3f bits per weight", len(w.Tensors), display.Bytes(w.Bytes), w.BPW)
	if w.Fallbacks > 0 {
		printf(out, "; %d of %d tensors fell back to another type (--no-fallback refuses that)", w.Fallbacks, len(w.Tensors))
	}
	fmt.Fprintln(out)
	if w.Unweighted > 0 {
		printf(out, "%d tensors have no entry in the importance matrix, or it is excluded: quantized without weights\n", w.Unweighted)
	}
	if w.ZeroWeights > 0 {
		printf(out, "%d tensors have whole blocks of columns of importance 0, which the calibration never reached: taken to weigh alike\n", w.ZeroWeights)
	}
	w.Budget.print(out)
	if w.Output != nil {
		w.Output.print(out)
	}
}

func (f *outputFile) print(out io.Writer) {
	if len(f.Parts) == 0 {
		printf(out, "%s  %d bytes  sha256 %s\n", f.Path, f.Bytes, f.SHA256)
		return
	}
	for _, p := range f.Parts {
		p.print(out)
	}
	printf(out, "%d files, %d bytes\n", len(f.Parts), f.Bytes)
}
