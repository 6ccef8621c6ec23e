package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/verify"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/urfave/cli/v2"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check a model's structure and contents",
		ArgsUsage: "MODEL",
		Description: `Reads everything: checks the structure, decodes every block (a NaN or infinite value is reported with its tensor, row
and column), and checks the metadata against itself and the tensors: a model that carat run refuses to load is not
sound. Models that carat cannot evaluate (other architectures, embedding models) get the checks that apply to all
models, and a note. A chat template that does not parse, or fails on a simple conversation, is noted. With --source a random sample of tensors is encoded again from the model's source and compared
byte by byte; the same seed chooses the same tensors. A model that was quantized with an importance matrix needs it
again (--imatrix).

The exit code is 0 when the model is sound, 1 when something was found, 4 when the file is malformed.

EXAMPLES:
   carat verify model.gguf
   carat verify smollm2-Q4_K_M.gguf --source ./SmolLM2-135M
   carat verify smollm2-Q4_K_M.gguf --source smollm2-BF16.gguf --imatrix smollm2.imatrix.gguf`,
		Flags: append(group("COMPARE WITH THE SOURCE",
			&cli.StringFlag{Name: "source", Usage: "`MODEL` what this model was made from, a checkpoint folder or a GGUF file"},
			&cli.IntFlag{Name: "sample", Value: 8, Usage: "`N` encode N tensors again; 0 for all"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`N` seed of the random choice of tensors"},
			&cli.StringFlag{Name: "imatrix", Usage: "`FILE` importance matrix that the model was quantized with"}), preFlag()...),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o := verifyOptions{model: arg, source: c.String("source"), from: sourceOptions(c)}
			o.Options = verify.Options{Sample: c.Int("sample"), Seed: c.Uint64("seed"), Loads: engine.Check, Chat: chat.Check, Threads: g.threads}
			switch {
			case o.Sample < 0:
				return usagef("--sample must not be negative (got %d)", o.Sample)
			case o.source == "" && (c.IsSet("sample") || c.IsSet("seed") || c.IsSet("imatrix")):
				return usagef("--sample, --seed and --imatrix need --source")
			}
			if f := c.String("imatrix"); f != "" {
				if o.Imatrix, err = imatrix.Read(f); err != nil {
					return err
				}
			}
			return runVerify(c.Context, g, o)
		},
	}
}

// verifyOptions are verify's flags.
type verifyOptions struct {
	verify.Options
	model, source string
	from          convert.Options // how folders are read
}

// verification is verify's JSON.
type verification struct {
	OK bool `json:"ok"`
	*verify.Report
	Seed *uint64 `json:"seed,omitempty"`
}

func runVerify(ctx context.Context, g global, o verifyOptions) error {
	m, err := g.open(o.model, o.from)
	if err != nil {
		return err
	}
	defer m.Close()
	if o.source != "" {
		if o.Source, err = g.open(o.source, o.from); err != nil {
			return err
		}
		defer o.Source.Close()
	}
	v := verification{}
	if v.Report, err = verifyModel(ctx, g, m, o.Options); err != nil {
		if strings.Contains(err.Error(), o.model) || o.source != "" && strings.Contains(err.Error(), o.source) {
			return err // it says which of the two
		}
		return fmt.Errorf("%s: %w", o.model, err)
	}
	if v.OK = len(v.Findings) == 0; o.source != "" {
		v.Seed = &o.Seed
	}
	if g.json {
		if err := printJSON(g.out, v); err != nil {
			return err
		}
	} else if !g.quiet {
		v.print(g.out)
	}
	if !v.OK {
		return &refusal{fmt.Sprintf("%s is not sound: %d findings", o.model, len(v.Findings))}
	}
	return nil
}

func verifyModel(ctx context.Context, g global, m gguf.Model, o verify.Options) (*verify.Report, error) {
	b := newBar(g, "verify")
	defer b.finish()
	return verify.Verify(ctx, m, o, b.update)
}

func (v verification) print(out io.Writer) {
	found := map[string]int{}
	for _, f := range v.Findings {
		found[f.Check]++
	}
	verdict := func(name string) string {
		if n := found[name]; n > 0 {
			return fmt.Sprintf("%d found", n)
		}
		return "ok"
	}
	t := newTable(out)
	t.row("check", "result", "")
	t.row("structure", "ok", fmt.Sprintf("%d tensors, %s", v.Tensors, display.Bytes(v.Bytes)))
	t.row("metadata", verdict("metadata"), "")
	t.row("contents", verdict("contents"), fmt.Sprintf("%d of %d tensors decoded", v.Decoded, v.Tensors))
	if v.Seed != nil {
		equal := 0
		for _, x := range v.Sample {
			if x.Equal {
				equal++
			}
		}
		t.row("source", verdict("source"), fmt.Sprintf("%d of %d tensors encoded again are equal (seed %d)", equal, len(v.Sample), *v.Seed))
	}
	t.flush()
	if len(v.Findings) > 0 {
		fmt.Fprintln(out)
		t = newTable(out)
		t.row("check", "tensor", "row", "column", "found")
		for _, f := range v.Findings {
			t.row(f.Check, orDash(f.Tensor), number(f.Row), number(f.Column), f.Message)
		}
		t.flush()
	}
	for _, n := range v.Notes {
		printf(out, "note: %s\n", n)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
