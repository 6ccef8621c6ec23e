package main

import (
	"context"
	"fmt"
	"io"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/verify"
	"github.com/urfave/cli/v2"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "show what differs between two models",
		ArgsUsage: "A B",
		Description: `Compares metadata (added, removed, changed) and tensors (added, removed, type, shape, data), ignoring the order of
keys and tensors, alignment and splits. --values decodes the tensors that differ and shows the error of B relative to
A. The exit code is 0 when the models are equal, 1 when they differ.

EXAMPLES:
   carat diff old.gguf new.gguf
   carat diff ./SmolLM2-135M smollm2-Q4_K_M.gguf --values
   carat diff a.gguf b.gguf --json --quiet`,
		Flags: group("SHOW", &cli.BoolFlag{Name: "values", Usage: "show the error of each tensor: RMSE, relative to A, largest, cosine"}),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 2, "A B")
			if err != nil {
				return err
			}
			return runDiff(c.Context, g, args[0], args[1], c.Bool("values"))
		},
	}
}

// difference is diff's JSON.
type difference struct {
	Equal       bool                 `json:"equal"`
	Metadata    []metadataDifference `json:"metadata"`
	Tensors     []tensorDifference   `json:"tensors"`
	SameTensors int                  `json:"same_tensors"`
}

type metadataDifference struct {
	Key    string         `json:"key"`
	Change gguf.Change    `json:"change"`
	A      *metadataValue `json:"a,omitempty"`
	B      *metadataValue `json:"b,omitempty"`

	from, to string // as the table shows them
}

type metadataValue struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

type tensorDifference struct {
	Name    string       `json:"name"`
	Change  gguf.Change  `json:"change"`
	Differs string       `json:"differs,omitempty"` // shape, type or data, of changed ones
	A       *tensorShape `json:"a,omitempty"`
	B       *tensorShape `json:"b,omitempty"`
	Values  *valueError  `json:"values,omitempty"`
}

type tensorShape struct {
	Type  string  `json:"type"`
	Shape []int64 `json:"shape"`
}

// valueError holds numbers, or strings where JSON has none ("NaN", "+Inf").
type valueError struct {
	RMSE     any `json:"rmse"`
	Relative any `json:"relative"`
	MaxAbs   any `json:"max_abs"`
	Cosine   any `json:"cosine"`

	verify.ValueError `json:"-"`
}

func runDiff(ctx context.Context, g global, pathA, pathB string, values bool) error {
	a, err := convert.OpenPath(pathA, convert.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := convert.OpenPath(pathB, convert.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	d, err := diffModels(ctx, g, a, b, values)
	if err != nil {
		return err
	}
	if g.json {
		if err := printJSON(g.out, d); err != nil {
			return err
		}
	} else if !g.quiet {
		d.print(g.out, values)
	}
	if !d.Equal {
		return &refusal{fmt.Sprintf("%s and %s differ: %d metadata keys, %d tensors", pathA, pathB, len(d.Metadata), len(d.Tensors))}
	}
	return nil
}

func diffModels(ctx context.Context, g global, a, b gguf.Model, values bool) (*difference, error) {
	d := &difference{Tensors: []tensorDifference{}}
	d.Metadata = describeChanges(gguf.DiffMetadata(a.Metadata(), b.Metadata()))
	p := newBar(g, "compare")
	defer p.finish()
	changes, err := gguf.DiffTensors(ctx, a, b, g.threads, p.update)
	if err != nil {
		return nil, err
	}
	d.SameTensors = len(a.Tensors())
	for _, c := range changes {
		d.Tensors = append(d.Tensors, tensorDifference{c.Name, c.Change, c.Differs(), describeShape(c.A), describeShape(c.B), nil})
		if c.A != nil {
			d.SameTensors--
		}
	}
	p.finish()
	d.Equal = len(d.Metadata)+len(d.Tensors) == 0
	if values {
		return d, d.measure(ctx, g, a, b, changes)
	}
	return d, nil
}

// measure fills in the errors of tensors that both models have in one shape.
func (d *difference) measure(ctx context.Context, g global, a, b gguf.Model, changes []gguf.TensorChange) error {
	p := newBar(g, "compare values")
	defer p.finish()
	errs, err := verify.CompareAll(ctx, a, b, changes, g.threads, p.update)
	if err != nil {
		return err
	}
	for i, e := range errs {
		if e != nil {
			d.Tensors[i].Values = &valueError{jsonFloat(e.RMSE, 64), jsonFloat(e.Relative, 64), jsonFloat(e.MaxAbs, 64), jsonFloat(e.Cosine, 64), *e}
		}
	}
	return nil
}

func describeChanges(changes []gguf.MetadataChange) []metadataDifference {
	out := []metadataDifference{}
	for _, c := range changes {
		m := metadataDifference{Key: c.Key, Change: c.Change}
		m.A, m.from = describeValue(c.A)
		m.B, m.to = describeValue(c.B)
		out = append(out, m)
	}
	return out
}

func describeValue(v any) (*metadataValue, string) {
	if v == nil {
		return nil, "-"
	}
	return &metadataValue{valueTypeName(v), jsonValue(v)}, valueTypeName(v) + " " + shorten(v)
}

func describeShape(i *gguf.TensorInfo) *tensorShape {
	if i == nil {
		return nil
	}
	return &tensorShape{i.Type.String(), i.Shape}
}

func (d *difference) print(out io.Writer, values bool) {
	if len(d.Metadata) > 0 {
		t := newTable(out)
		t.row("metadata", "change", "A", "B")
		for _, m := range d.Metadata {
			t.row(m.Key, m.Change, m.from, m.to)
		}
		t.flush()
		fmt.Fprintln(out)
	}
	if len(d.Tensors) > 0 {
		d.printTensors(out, values)
		fmt.Fprintln(out)
	}
	printf(out, "%d tensors are equal, %d differ; %d metadata keys differ\n", d.SameTensors, len(d.Tensors), len(d.Metadata))
}

func (d *difference) printTensors(out io.Writer, values bool) {
	t := newTable(out)
	if !values {
		// Layers that changed alike share a row.
		t.row("tensor", "change", "A", "B")
		for _, r := range groupRows(d.rows()) {
			t.row(r.Name, r.Reason, r.SourceType, r.Type)
		}
		t.flush()
		return
	}
	t.row("tensor", "change", "A", "B", "      RMSE", "  relative", "   largest", "cosine")
	for i, r := range d.rows() {
		cells := []any{r.Name, r.Reason, r.SourceType, r.Type}
		if v := d.Tensors[i].Values; v != nil {
			cells = append(cells, fmt.Sprintf("%10.4g", v.ValueError.RMSE), fmt.Sprintf("%8.4f %%", 100*v.ValueError.Relative),
				fmt.Sprintf("%10.4g", v.ValueError.MaxAbs), fmt.Sprintf("%.7f", v.ValueError.Cosine))
		}
		t.row(cells...)
	}
	t.flush()
}

// rows are the tensors as the table of a plan has them, so that both group alike.
func (d *difference) rows() []plannedTensor {
	out := make([]plannedTensor, len(d.Tensors))
	for i, x := range d.Tensors {
		r := plannedTensor{Name: x.Name, SourceType: "-", Type: "-", Reason: string(x.Change)}
		if x.A != nil {
			r.SourceType = x.A.Type + "  " + shapeString(x.A.Shape)
		}
		if x.B != nil {
			r.Type = x.B.Type + "  " + shapeString(x.B.Shape)
		}
		if x.Differs != "" {
			r.Reason = x.Differs
		}
		out[i] = r
	}
	return out
}
