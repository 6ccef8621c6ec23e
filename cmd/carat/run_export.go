package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/export"
	"github.com/carat-llm/carat/convert/publish"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// notHF are flags of convert that change nothing with --to hf.
var notHF = []string{"vocab-only", "split-max-tensors", "lora", "base", "stream", "pre", "metadata", "model-name", "manifest", "manifest-metadata", "for", denseFlag}

// toHF reports whether convert writes a checkpoint folder.
func toHF(c *cli.Context) bool { return c.String("to") == "hf" }

func toFlag() cli.Flag {
	return &cli.StringFlag{Name: "to", Value: "gguf", Category: outputGroup, Usage: "`gguf|hf` what to write: a GGUF file, or of a GGUF file a checkpoint folder of Hugging Face"}
}

// exported is what is printed of a folder.
type exported struct {
	Output  string   `json:"output,omitempty"`
	Class   string   `json:"class"`
	Type    string   `json:"type"`
	Tensors int      `json:"tensors"`
	Bytes   int64    `json:"bytes"`
	Files   []string `json:"files"`
	Notes   []string `json:"notes,omitempty"`
}

// exportTo reads the flags of convert --to hf.
func exportTo(c *cli.Context, g global, in string) error {
	out := c.String("output")
	if c.Bool("dry-run") {
		out = ""
	} else if out == "" {
		return usagef("convert --to hf needs -o DIR (or --dry-run)")
	}
	split, err := splitOptions(c)
	if err != nil {
		return err
	}
	return runExport(c.Context, g, in, out, export.Options{OutType: c.String("outtype"), ShardBytes: split.MaxBytes, Threads: g.threads})
}

// runExport writes the checkpoint folder out of the GGUF file in; with out "" it only says what it would have.
func runExport(ctx context.Context, g global, in, out string, o export.Options) error {
	if st, err := os.Stat(in); err == nil && st.IsDir() {
		return usagef("--to hf writes a checkpoint folder of a GGUF file, and %s is a folder", in)
	}
	src, err := gguf.Open(in)
	if err != nil {
		return err
	}
	defer src.Close()
	return writeHF(ctx, g, hfFolder{src: src, source: in, out: out}, o)
}

// hfFolder is a checkpoint folder to write.
type hfFolder struct {
	src    gguf.Model
	source string     // what src was opened from
	out    string     // "" only tells
	model  gguf.Model // src with tensors that are rounded, once they are
}

func writeHF(ctx context.Context, g global, f hfFolder, o export.Options) error {
	plan, err := export.NewPlan(f.src, o)
	return f.write(ctx, g, plan, err)
}

// write writes what plan says, unless planning failed.
func (f hfFolder) write(ctx context.Context, g global, plan *export.Plan, err error) error {
	if errors.Is(err, export.ErrOutType) {
		return usagef("--outtype: %v", err)
	} else if errors.Is(err, gguf.ErrInput) {
		return fmt.Errorf("%s: %w", f.source, err)
	} else if err != nil {
		return err
	}
	for _, note := range plan.Notes {
		g.note(note)
	}
	if f.out != "" {
		if err := plan.Run(ctx, f.out, func() error { return gguf.Unchanged(f.src) }); err != nil {
			return err
		}
	}
	w := exported{f.out, plan.Class, cmp.Or(plan.Kind, plan.Type.String()), plan.Tensors, plan.Bytes, plan.Files, plan.Notes}
	if g.json {
		return printJSON(g.out, w)
	}
	if !g.quiet {
		printf(g.out, "%s: %d tensors as %s, %s\n%s\n", w.Class, w.Tensors, w.Type, display.Bytes(w.Bytes), strings.Join(w.Files, " "))
	}
	return nil
}

// openExport opens what becomes a folder, which is not written by --dry-run.
func openExport(g global, in string, o exportOptions) (f hfFolder, err error) {
	f.source = in
	if !o.dry {
		f.out = o.dir
	}
	f.src, err = g.open(in, convert.Options{})
	return f, err
}

// exportVLLM reads the flags of export --to vllm.
func exportVLLM(c *cli.Context, g global, in string, o exportOptions) error {
	if o.scheme == "" {
		return usagef("--to vllm needs --scheme: one of %s", strings.Join(export.SchemeNames(), ", "))
	}
	scheme, err := export.ParseScheme(o.scheme, int64(o.group))
	if err != nil {
		return usagef("--scheme: %v", err)
	}
	f, err := openExport(g, in, o)
	if err != nil {
		return err
	}
	defer f.src.Close()
	opts := export.Options{Scheme: scheme, OutType: o.outType, Threads: g.threads}
	plan, err := export.NewPlan(f.src, opts)
	if err != nil {
		return f.write(c.Context, g, plan, err)
	}
	r, _ := scheme.Rounding(plan.Type)
	return f.writeRounded(c.Context, g, roundedAs{&o.calibration, r, fmt.Sprint(o.scheme, o.group)}, func(m gguf.Model, rounded bool) (*export.Plan, error) {
		if rounded {
			opts.Scheme = scheme.Rounded()
		}
		return export.NewPlan(m, opts)
	})
}

// exportMLC writes a folder for MLC LLM.
func exportMLC(c *cli.Context, g global, in string, o exportOptions) error {
	if !slices.Contains(export.MLCQuantizations(), o.scheme) {
		return usagef("%s", suggest.OneOf("--scheme", o.scheme, export.MLCQuantizations()))
	}
	f, err := openExport(g, in, o)
	if err != nil {
		return err
	}
	defer f.src.Close()
	conversation, note := publish.MLCConversation(f.src.Metadata())
	var r *export.Rounding
	if o.scheme == "q4f16_1" {
		r = export.MLCRounding()
	}
	return f.writeRounded(c.Context, g, roundedAs{&o.calibration, r, o.scheme}, func(m gguf.Model, _ bool) (*export.Plan, error) {
		plan, err := export.NewMLCPlan(m, export.MLCOptions{Quantization: o.scheme, Conversation: conversation, Threads: g.threads})
		if err == nil && note != "" {
			plan.Notes = append(plan.Notes, note)
		}
		return plan, err
	})
}
