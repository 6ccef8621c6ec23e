package main

import (
	"context"
	"fmt"
	"io"
	"sort"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/urfave/cli/v2"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "show a model's metadata, tensors and size by type",
		ArgsUsage: "MODEL",
		Description: `Reads headers only (--hash reads everything). A checkpoint folder is shown as the GGUF file that convert would write.

EXAMPLES:
   carat inspect model.gguf
   carat inspect model.gguf --tensors=false
   carat inspect model.gguf --key tokenizer.chat_template
   carat inspect ./SmolLM2-135M --json --hash
   carat inspect HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF --stream`,
		Flags: append(group("SHOW",
			&cli.BoolFlag{Name: "hash", Usage: "show the SHA-256 of each tensor's data"},
			&cli.BoolFlag{Name: "tensors", Value: true, Usage: "list the tensors; --tensors=false hides them"},
			&cli.StringFlag{Name: "key", Usage: "`KEY` show only this metadata value, whole: a text as it is, an array with one element a line"},
		), append(preFlag(), streamFlag()...)...),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			from := sourceOptions(c)
			if err := streamed(c, g, &arg, &from); err != nil {
				return err
			}
			m, err := g.open(arg, from)
			if err != nil {
				return err
			}
			defer m.Close()
			if key := c.String("key"); c.IsSet("key") {
				return showValue(g, m, arg, key)
			}
			in, err := inspect(c.Context, m, c.Bool("hash"))
			if err != nil {
				return err
			}
			if g.json {
				return printJSON(g.out, in)
			}
			in.print(g.out, c.Bool("tensors"))
			return nil
		},
	}
}

// inspection is inspect's JSON.
type inspection struct {
	Architecture string             `json:"architecture"`
	Parameters   int64              `json:"parameters"`
	Bytes        int64              `json:"tensor_bytes"`
	Metadata     []metadataEntry    `json:"metadata"`
	Tensors      []inspectedTensor  `json:"tensors"`
	Types        []inspectedTypeSum `json:"types"`
}

type metadataEntry struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

type inspectedTensor struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Shape  []int64 `json:"shape"`
	Offset int64   `json:"offset"`
	Bytes  int64   `json:"bytes"`
	SHA256 string  `json:"sha256,omitempty"`
}

type inspectedTypeSum struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

func inspect(ctx context.Context, m gguf.Model, hash bool) (*inspection, error) {
	in := &inspection{Architecture: m.Metadata().Architecture()}
	for _, kv := range m.Metadata().All() {
		in.Metadata = append(in.Metadata, metadataEntry{kv.Key, valueTypeName(kv.Value), jsonValue(kv.Value)})
	}
	alignment := int64(32)
	if a, ok := m.Metadata().Int("general.alignment"); ok {
		alignment = a
	}
	sums := map[string]*inspectedTypeSum{}
	var offset int64 // from the start of the tensor data, as in the header that a writer gives
	for _, t := range m.Tensors() {
		i := t.Info()
		it := inspectedTensor{Name: i.Name, Type: i.Type.String(), Shape: i.Shape, Offset: offset, Bytes: i.Bytes()}
		if hash {
			sum, err := gguf.HashTensor(ctx, t, nil)
			if err != nil {
				return nil, err
			}
			it.SHA256 = sum
		}
		offset += (i.Bytes() + alignment - 1) / alignment * alignment
		in.Tensors = append(in.Tensors, it)
		in.Parameters += i.Elements()
		in.Bytes += i.Bytes()
		if sums[it.Type] == nil {
			sums[it.Type] = &inspectedTypeSum{Type: it.Type}
		}
		sums[it.Type].Tensors++
		sums[it.Type].Bytes += it.Bytes
	}
	for _, ts := range sums {
		in.Types = append(in.Types, *ts)
	}
	if err := gguf.Unchanged(m); err != nil {
		return nil, err
	}
	sort.Slice(in.Types, func(a, b int) bool { return in.Types[a].Bytes > in.Types[b].Bytes })
	return in, nil
}

func (in *inspection) print(out io.Writer, tensors bool) {
	t := newTable(out)
	for _, e := range in.Metadata {
		t.row(e.Key, e.Type, shorten(e.Value))
	}
	t.flush()
	if tensors {
		fmt.Fprintln(out)
		t = newTable(out)
		t.row("tensor", "type", "shape", "     bytes", hashHeading(in))
		for _, x := range in.Tensors {
			t.row(x.Name, x.Type, shapeString(x.Shape), fmt.Sprintf("%10d", x.Bytes), x.SHA256)
		}
		t.flush()
	}
	fmt.Fprintln(out)
	t = newTable(out)
	t.row("type", "tensors", "     size", "share")
	for _, x := range in.Types {
		t.row(x.Type, fmt.Sprintf("%7d", x.Tensors), size(x.Bytes), fmt.Sprintf("%5.1f %%", 100*float64(x.Bytes)/float64(in.Bytes)))
	}
	t.flush()
	if in.Parameters > 0 {
		printf(out, "\n%s, %d tensors, %d parameters, %s of tensor data, %.3f bits per weight\n", in.Architecture, len(in.Tensors),
			in.Parameters, display.Bytes(in.Bytes), 8*float64(in.Bytes)/float64(in.Parameters))
	}
}

func hashHeading(in *inspection) string {
	if len(in.Tensors) > 0 && in.Tensors[0].SHA256 != "" {
		return "sha256"
	}
	return ""
}
