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
			o, err := writeOptionsOf(c, arg)
			if err != nil {
				return err
			}
			base := c.String("base")
			o.from.VocabOnly = c.Bool("vocab-only")
			if base == "" || c.IsSet("outtype") {
				o.from.OutType = c.String("outtype")
			}
			// Converting is copying: the source already has the types that the file gets.
			o.quantize = quantize.Options{FileType: recipe.Copy, Verbatim: true, Threads: g.threads}
			if o.quantize.Split, err = splitOptions(c); err != nil {
				return err
			}
			if o.quantize.Clients, err = clientOptions(c); err != nil {
				return err
			}
			if err := streamed(c, g, &o.source, &o.from); err != nil {
				return err
			}
			return runConvert(c.Context, g, base, o)
		},
	}
}

// runConvert converts a checkpoint folder, or with base an adapter of that model.
func runConvert(ctx context.Context, g global, base string, o writeOptions) error {
	open := convert.Open
	if base != "" {
		open = func(dir string, from convert.Options) (*convert.Model, error) {
			return convert.OpenAdapter(dir, base, from)
		}
	}
	src, err := open(o.source, o.from)
	if err != nil {
		return err
	}
	g.noteSource(src)
	defer src.Close()
	m := newModel{g: g, writeOptions: o, src: src, title: "convert"}
	if err := m.setPlan(); err != nil {
		return err
	}
	return m.write(ctx)
}
