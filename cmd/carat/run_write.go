package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/carat-llm/carat/gguf"
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
	Unweighted  int      `json:"unweighted,omitempty"`
	ZeroWeights int      `json:"zero_weights,omitempty"`
	BPW         float64  `json:"bits_per_weight"`
	Notes       []string `json:"notes,omitempty"`
	Eval        any      `json:"eval,omitempty"`
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

// writePlan runs plan to out, or only shows it when out is "", and prints what became of each tensor. The output and
// its manifest appear together.
func writePlan(ctx context.Context, g global, plan *quantize.Plan, source, out, title string, rec *recorder) error {
	printNotes(g, plan)
	w := describe(plan)
	if out != "" {
		var o outputs
		defer o.abort()
		var err error
		if w.Output, err = stagePlan(ctx, g, plan, source, out, title, rec, &o); err != nil {
			return err
		}
		if err := o.commitUnless(ctx, g.out); err != nil {
			return err
		}
	}
	if g.json {
		return printJSON(g.out, w)
	}
	if !g.quiet && !g.piped {
		w.print(g.out)
	}
	return nil
}

// stagePlan adds what plan makes, and its manifest, to o. The sums cost reading the output again: without a manifest, and
// when nobody would see them, there are none.
func stagePlan(ctx context.Context, g global, plan *quantize.Plan, source, out, title string, rec *recorder, o *outputs) (*outputFile, error) {
	plan.Hash = g.json || !g.quiet || rec.path != ""
	w, err := execute(ctx, g, plan, source, out, title)
	if err != nil {
		return nil, err
	}
	o.model(w)
	if err := rec.finish(ctx, plan, w, o); err != nil || g.quiet && !g.json {
		return nil, err
	}
	return hashStaged(ctx, w)
}

// execute writes the plan with a progress bar, but for the names of its files. Errors about weights name source, the
// model they are in.
func execute(ctx context.Context, g global, plan *quantize.Plan, source, out, title string) (*gguf.Writer, error) {
	paths, err := plan.Paths(out)
	if err != nil {
		return nil, usagef("%v", err)
	}
	for _, p := range paths {
		if err := sameFile(source, p); err != nil {
			return nil, err
		}
	}
	b := newBar(g, title)
	defer b.finish()
	w, err := quantize.Stage(ctx, []*quantize.Plan{plan}, []string{out}, b.update)
	if errors.Is(err, gguf.ErrInput) && !strings.Contains(err.Error(), source) {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if err != nil {
		return nil, err
	}
	return w[0], nil
}

func describe(plan *quantize.Plan) *written {
	w := &written{Tensors: []plannedTensor{}, Notes: plan.Notes()}
	var elements int64
	for _, t := range plan.Tensors {
		w.Tensors = append(w.Tensors, plannedTensor{t.Name, t.Shape, t.Source.String(), t.Type.String(), t.Bytes(), t.Reason, t.Fallback})
		w.Bytes += t.Bytes()
		elements += t.Elements()
		if t.Fallback {
			w.Fallbacks++
		}
		if t.Unweighted {
			w.Unweighted++
		}
		if t.ZeroWeights > 0 {
			w.ZeroWeights++
		}
	}
	if elements > 0 {
		w.BPW = 8 * float64(w.Bytes) / float64(elements)
	}
	return w
}

// hashStaged hashes the files that w will give their names.
func hashStaged(ctx context.Context, w *gguf.Writer) (*outputFile, error) {
	sums, err := w.HashFiles(ctx)
	if err != nil {
		return nil, err
	}
	var parts []*outputFile
	all := &outputFile{Path: w.Files()[0].Name()}
	for i, h := range sums {
		parts = append(parts, &outputFile{Path: w.Files()[i].Name(), Bytes: h.Bytes, SHA256: h.SHA256})
		all.Bytes += h.Bytes
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	all.Parts = parts
	return all, nil
}

// hashFiles hashes the file, or the files of a split.
func hashFiles(paths []string) (*outputFile, error) {
	if len(paths) == 1 {
		return hashFile(paths[0])
	}
	all := &outputFile{Path: paths[0]}
	for _, p := range paths {
		f, err := hashFile(p)
		if err != nil {
			return nil, err
		}
		all.Bytes += f.Bytes
		all.Parts = append(all.Parts, f)
	}
	return all, nil
}

func hashFile(path string) (*outputFile, error) {
	h, err := gguf.HashFile(path)
	if err != nil {
		return nil, err
	}
	return &outputFile{Path: path, Bytes: h.Bytes, SHA256: h.SHA256}, nil
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

// groupRows merges blk.0.x, blk.1.x, ... with the same shape, types and rule into blk.{0,1-3}.x.
func groupRows(ts []plannedTensor) []plannedTensor {
	type group struct {
		row    plannedTensor
		layers []int
	}
	var order []string
	groups := map[string]*group{}
	for _, t := range ts {
		layer, rest := splitLayer(t.Name)
		key := fmt.Sprint(rest, t.Shape, t.SourceType, t.Type, t.Reason, t.Fallback)
		if layer < 0 {
			key = t.Name
		}
		g, ok := groups[key]
		if !ok {
			g = &group{row: t}
			g.row.Bytes = 0
			groups[key] = g
			order = append(order, key)
		}
		g.row.Bytes += t.Bytes
		if layer >= 0 {
			g.layers = append(g.layers, layer)
			g.row.Name = "blk." + ranges(g.layers) + "." + rest
		}
	}
	rows := make([]plannedTensor, len(order))
	for i, k := range order {
		rows[i] = groups[k].row
	}
	return rows
}

// splitLayer cuts "blk.12.attn_q.weight" into 12 and "attn_q.weight"; other names give -1.
func splitLayer(name string) (int, string) {
	var n int
	rest, ok := strings.CutPrefix(name, "blk.")
	if !ok {
		return -1, name
	}
	num, tail, ok := strings.Cut(rest, ".")
	if _, err := fmt.Sscanf(num, "%d", &n); !ok || err != nil {
		return -1, name
	}
	return n, tail
}

// ranges prints layer numbers as "7", "{0-3}" or "{0-2,5,8}".
func ranges(n []int) string {
	if len(n) == 1 {
		return fmt.Sprint(n[0])
	}
	sort.Ints(n)
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", n[i], n[j]))
		} else {
			parts = append(parts, fmt.Sprint(n[i]))
		}
		i = j + 1
	}
	return "{" + strings.Join(parts, ",") + "}"
}
