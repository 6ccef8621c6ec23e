package main

import (
	"context"
	"slices"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "write a checkpoint folder as GGUF, or a GGUF file as a checkpoint folder",
		ArgsUsage: "DIR | MODEL.gguf",
		Description: `Reads config.json, the weights and the tokenizer of a Hugging Face checkpoint folder and writes one GGUF file.
Weights are safetensors, or else PyTorch's pytorch_model*.bin, of which only tensors are read and no code is run.
The output appears only when it is complete. --outtype auto keeps 16-bit weights unchanged.

Adapters (LoRA) as PEFT saves them are merged into the weights by --lora. With --base, DIR is the folder of an adapter
itself, and becomes a GGUF adapter, which llama.cpp applies when it loads the model; it is F32 unless --outtype says
otherwise.

--to hf goes the other way: of a GGUF file it makes the folder that -o names, with config.json, safetensors (in files of
at most --split-max-size, 5G by default) and the tokenizer. Weights that were not quantized come back as they were, bit
for bit; quantized ones are decoded. --outtype is then f32, f16, bf16 or auto. docs/models.md lists what can be turned around.

EXAMPLES:
   carat convert ./SmolLM2-135M -o smollm2.gguf
   carat convert ./SmolLM2-135M --outtype q8_0 -o smollm2-Q8_0.gguf
   carat convert ./new-model --pre llama-bpe --dry-run
   carat convert ./SmolLM2-135M --lora ./my-adapter --lora ./another=0.5 -o merged.gguf
   carat convert ./my-adapter --base ./SmolLM2-135M -o my-adapter.gguf
   carat convert smollm2.gguf --to hf --outtype bf16 -o ./smollm2`,
		Flags: slices.Concat(
			group(typesGroup,
				&cli.StringFlag{Name: "outtype", Value: "auto", Usage: "`f32|f16|bf16|q8_0|auto` type of the weight matrices"},
				clientFlag(),
				&cli.BoolFlag{Name: "vocab-only", Usage: "write metadata and tokenizer, no tensors"}),
			outputFlags(), []cli.Flag{toFlag()}, splitFlags(), checkpointFlags(),
			group(adapterGroup, &cli.StringFlag{Name: "base", Usage: "`MODEL` DIR is an adapter: write it for this checkpoint folder, of which config.json is enough"}), sourceFlags(), streamFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "DIR")
			if err != nil {
				return err
			}
			switch to := c.String("to"); to {
			case "gguf":
			case "hf":
				return exportTo(c, g, arg)
			default:
				return usagef("--to must be gguf or hf (got %q)", to)
			}
			out, err := output(c)
			if err != nil {
				return err
			}
			rec, err := newRecorder(c, arg, out)
			if err != nil {
				return err
			}
			opts, err := checkpointOptions(c)
			if err != nil {
				return err
			}
			base := c.String("base")
			opts.VocabOnly = c.Bool("vocab-only")
			if base == "" || c.IsSet("outtype") {
				opts.OutType = c.String("outtype")
			}
			split, err := splitOptions(c)
			if err != nil {
				return err
			}
			readers, err := clientOptions(c)
			if err != nil {
				return err
			}
			copied := quantize.Options{FileType: recipe.Copy, Verbatim: true, Split: split, Clients: readers, Threads: g.threads}
			if err := streamed(c, g, &arg, &opts); err != nil {
				return err
			}
			return runConvert(c.Context, g, arg, base, out, opts, copied, rec)
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

func runConvert(ctx context.Context, g global, dir, base, out string, opts convert.Options, copied quantize.Options, rec *recorder) error {
	open := convert.Open
	if base != "" {
		open = func(dir string, o convert.Options) (*convert.Model, error) { return convert.OpenAdapter(dir, base, o) }
	}
	src, err := open(dir, opts)
	if err != nil {
		return err
	}
	g.tell(src)
	defer src.Close()
	// Converting is copying: the source already has the types that the file gets.
	plan, err := quantize.NewPlan(src, copied)
	if err != nil {
		return err
	}
	if err := rec.begin(src, plan); err != nil {
		return err
	}
	return writePlan(ctx, g, plan, dir, out, "convert", rec)
}
