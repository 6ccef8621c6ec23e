package main

import (
	"context"
	"slices"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

func convertCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "write a checkpoint folder as GGUF",
		ArgsUsage: "DIR",
		Description: `Reads config.json, the safetensors files and the tokenizer of a Hugging Face checkpoint folder and writes one
GGUF file. The output appears only when it is complete. --outtype auto keeps 16-bit weights unchanged.

EXAMPLES:
   carat convert ./SmolLM2-135M -o smollm2.gguf
   carat convert ./SmolLM2-135M --outtype q8_0 -o smollm2-Q8_0.gguf
   carat convert ./new-model --pre llama-bpe --dry-run`,
		Flags: slices.Concat(
			group(typesGroup,
				&cli.StringFlag{Name: "outtype", Value: "auto", Usage: "`f32|f16|bf16|q8_0|auto` type of the weight matrices"},
				&cli.BoolFlag{Name: "vocab-only", Usage: "write metadata and tokenizer, no tensors"}),
			outputFlags(), splitFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "DIR")
			if err != nil {
				return err
			}
			out, err := output(c)
			if err != nil {
				return err
			}
			rec, err := newRecorder(c, arg, out)
			if err != nil {
				return err
			}
			opts := sourceOptions(c)
			opts.OutType, opts.VocabOnly = c.String("outtype"), c.Bool("vocab-only")
			split, err := splitOptions(c)
			if err != nil {
				return err
			}
			return runConvert(c.Context, s, g, arg, out, opts, split, rec)
		},
	}
}

// sourceFlags tell how a checkpoint folder is read.
func sourceFlags() []cli.Flag {
	return append(preFlag(), group(sourceGroup,
		&cli.StringFlag{Name: "metadata", Usage: "`FILE.json` general.* metadata that replaces what the folder says"},
		&cli.StringFlag{Name: "model-name", Usage: "`NAME` value of general.name"},
	)...)
}

// preFlag is what a verb needs that reads a checkpoint folder and writes no model.
func preFlag() []cli.Flag {
	return group(sourceGroup,
		&cli.StringFlag{Name: "pre", Usage: "`NAME` pre-tokenizer, if carat does not recognise it"})
}

func sourceOptions(c *cli.Context) convert.Options {
	return convert.Options{Pre: c.String("pre"), MetadataFile: c.String("metadata"), ModelName: c.String("model-name")}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputGroup, Usage: "`OUT.gguf` file to write; an existing file is replaced once the new one is complete"}
}

// outputFlags are those of the verbs that make a model.
func outputFlags() []cli.Flag {
	return append(group(outputGroup, outputFlag(),
		&cli.BoolFlag{Name: "dry-run", Usage: "print the plan from headers alone, write nothing"}), manifestFlags()...)
}

// output returns -o, which only a dry run may leave out.
func output(c *cli.Context) (string, error) {
	out := c.String("output")
	if c.Bool("dry-run") {
		return "", nil
	}
	if out == "" {
		return "", usagef("%s needs -o OUT.gguf (or --dry-run)", c.Command.Name)
	}
	return out, nil
}

func runConvert(ctx context.Context, s streams, g global, dir, out string, opts convert.Options, split gguf.Split, rec *recorder) error {
	src, err := convert.Open(dir, opts)
	if err != nil {
		return err
	}
	g.tell(src)
	defer src.Close()
	// Converting is copying: the source already has the types that the file gets.
	plan, err := quantize.NewPlan(src, quantize.Options{FileType: recipe.Copy, Verbatim: true, Split: split, Threads: g.threads})
	if err != nil {
		return err
	}
	if err := rec.begin(src, plan); err != nil {
		return err
	}
	return writePlan(ctx, s, g, plan, dir, out, "convert", rec)
}
