package main

import (
	"slices"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize"
	"github.com/urfave/cli/v2"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Aliases:   []string{"explain"},
		Usage:     "show what quantize would make of each tensor, and why",
		ArgsUsage: "MODEL",
		Description: `Reads only headers, so it is instant: each tensor's type and bytes, the rule that chose the type, and where a
fallback replaces it. Adjacent layers with the same result share one row; --json lists every tensor. Notes name the
programs that do not read a type. The plan can be saved as a recipe, edited, and given back to plan, quantize and build
with --recipe.

EXAMPLES:
   carat plan smollm2-BF16.gguf --type Q4_K_M
   carat plan smollm2-BF16.gguf --type IQ4_XS --for ollama,candle
   carat plan ./SmolLM2-135M --type Q4_K_M --imatrix smollm2.imatrix.gguf --save recipe.yaml
   carat quantize ./SmolLM2-135M --recipe recipe.yaml -o smollm2.gguf
   carat plan ./SmolLM2-135M --recipe recipe.yaml --export-tensor-types types.txt
   llama-quantize --tensor-type-file types.txt smollm2-BF16.gguf smollm2.gguf Q4_K_M`,
		Flags: slices.Concat(quantizeFlags(), group(outputGroup,
			&cli.StringFlag{Name: "save", Usage: "`FILE.yaml` write the plan as a recipe"},
			&cli.StringFlag{Name: "export-tensor-types", Usage: "`FILE` write the types for llama-quantize --tensor-type-file"}),
			splitFlags(), checkpointFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			opts, err := quantizeOptions(c, g)
			if err != nil {
				return err
			}
			from, err := checkpointOptions(c)
			if err != nil {
				return err
			}
			src, err := g.open(arg, from)
			if err != nil {
				return err
			}
			defer src.Close()
			opts.NoteClients = true
			plan, err := quantize.NewPlan(src, opts)
			if err != nil {
				return err
			}
			var o outputs
			defer o.abort()
			if err := savePlan(plan, c.String("save"), c.String("export-tensor-types"), &o); err != nil {
				return err
			}
			if err := o.commit(g.out); err != nil {
				return err
			}
			return runPlan(g, plan, opts)
		},
	}
}

// planned is plan's JSON.
type planned struct {
	FileType  string `json:"file_type"`
	FileBytes int64  `json:"file_bytes"` // with header and padding
	*written
}

func runPlan(g global, plan *quantize.Plan, opts quantize.Options) error {
	w, err := describe(plan)
	if err != nil {
		return err
	}
	p := planned{opts.FileType.String(), w.fileBytes, w}
	if g.json {
		return printJSON(g.out, p)
	}
	if !g.quiet {
		printNotes(g, plan)
	}
	if !g.quiet && !g.piped {
		p.print(g.out)
		printf(g.out, "the file would have %d bytes (%s)\n", p.FileBytes, display.Bytes(p.FileBytes))
	}
	return nil
}

// savePlan adds the files that were asked for to o.
func savePlan(plan *quantize.Plan, recipePath, typesPath string, o *outputs) error {
	if recipePath != "" {
		f, err := plan.Recipe()
		if err != nil {
			return err
		}
		if err := o.write(recipePath, f.Bytes()); err != nil {
			return err
		}
	}
	if typesPath != "" {
		b, err := plan.TensorTypes()
		if err != nil {
			return err
		}
		return o.write(typesPath, b)
	}
	return nil
}

// printNotes says on stderr what the plan's table does not show; JSON has it under notes.
func printNotes(g global, plan *quantize.Plan) {
	if g.json || g.quiet {
		return
	}
	for _, n := range plan.Notes() {
		printf(g.err, "carat: note: %s\n", n)
	}
}
