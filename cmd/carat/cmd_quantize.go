package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "write a model in fewer bits",
		ArgsUsage: "MODEL",
		Description: `The output equals llama-quantize's byte for byte for the same options, on every platform and with any number
of threads. Memory use depends on the number of threads, not on the size of the model. Where the length of a
tensor's rows is not a multiple of the type's block size, another type is used; fallbacks are listed and counted,
and --no-fallback makes them an error.

FILE TYPES:
   ` + strings.Join(encodable(), " ") + `

EXAMPLES:
   carat quantize smollm2-BF16.gguf --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat quantize smollm2-BF16.gguf --type Q4_K_M --imatrix smollm2.imatrix.gguf \
       -o smollm2-Q4_K_M.gguf
   carat quantize ./SmolLM2-135M --type Q3_K_M --tensor-type 'ffn_down=q5_k' --dry-run
   carat quantize smollm2-BF16.gguf --type Q4_0 --for openvino,candle -o smollm2-Q4_0.gguf
   carat quantize unsloth/SmolLM2-1.7B-GGUF:BF16 --stream --type Q4_K_M -o smollm2-Q4_K_M.gguf`,
		Flags: slices.Concat(quantizeFlags(), budgetFlags(), calibrationFlags(), outputFlags(), saveFlag(), append(splitFlags(), keepSplitFlag()), checkpointFlags(), sourceFlags(), streamFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o, err := writeOptionsOf(c, arg)
			if err != nil {
				return err
			}
			if err := o.typesOf(c, g); err != nil {
				return err
			}
			if err := streamed(c, g, &o.source, &o.from); err != nil {
				return err
			}
			return runQuantize(c.Context, g, o)
		},
	}
}

func runQuantize(ctx context.Context, g global, o writeOptions) error {
	src, err := g.open(o.source, o.from)
	if err != nil {
		return err
	}
	defer src.Close()
	m := newModel{g: g, writeOptions: o, src: src}
	defer m.calibration.close()
	if err := m.calibrate(); err != nil {
		return err
	}
	if err := allocateTypes(ctx, &m); err != nil {
		return err
	}
	if err := m.setPlan(); err != nil {
		return err
	}
	m.title = fmt.Sprintf("quantize to %s", m.quantize.FileType)
	store, err := roundBy(ctx, &m)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := m.write(ctx); err != nil {
		return err
	}
	_ = store.Remove() // what it kept is in the output
	return nil
}
