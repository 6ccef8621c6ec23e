package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

func quantizeCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "write a model in fewer bits",
		ArgsUsage: "MODEL",
		Description: `The output is byte for byte what llama-quantize writes for the same options, on every platform and for every
number of threads. Memory is bounded by threads, not by the model. Rows that a type's blocks do not divide
fall back to another type; that is shown and counted, and --no-fallback refuses it.

FILE TYPES:
   ` + strings.Join(encodable(), " ") + `

EXAMPLES:
   carat quantize smollm2-BF16.gguf --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat quantize smollm2-BF16.gguf --type Q4_K_M --imatrix smollm2.imatrix.gguf -o smollm2-Q4_K_M.gguf
   carat quantize ./SmolLM2-135M --type Q3_K_M --tensor-type 'ffn_down=q5_k' --dry-run`,
		Flags: slices.Concat(sourceFlags(), []cli.Flag{outputFlag(), dryRunFlag(), keepSplitFlag()}, quantizeFlags(), manifestFlags()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			out, err := output(c, arg)
			if err != nil {
				return err
			}
			opts, err := quantizeOptions(c, g)
			if err != nil {
				return err
			}
			rec, err := newRecorder(c, arg, out)
			if err != nil {
				return err
			}
			src, err := g.open(arg, sourceOptions(c))
			if err != nil {
				return err
			}
			defer src.Close()
			return runQuantize(c.Context, s, g, src, arg, out, opts, rec)
		},
	}
}

// quantizeFlags are shared by quantize, build and plan.
func quantizeFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "file type `T`, as Q4_K_M"},
		&cli.StringFlag{Name: "imatrix", Usage: "importance matrix `FILE`, GGUF or .dat"},
		&cli.StringSliceFlag{Name: "include-weights", Usage: "use the imatrix only for tensors whose name holds `S` (repeatable)"},
		&cli.StringSliceFlag{Name: "exclude-weights", Usage: "use no imatrix for tensors whose name holds `S` (repeatable)"},
		&cli.BoolFlag{Name: "allow-requantize", Usage: "accept a source that is quantized already; it costs quality"},
		&cli.BoolFlag{Name: "pure", Usage: "the file type's default type for every tensor, no mixture"},
		&cli.BoolFlag{Name: "leave-output-tensor", Usage: "keep output.weight as it is"},
		&cli.StringFlag{Name: "output-tensor-type", Usage: "tensor type `T` of output.weight"},
		&cli.StringFlag{Name: "token-embedding-type", Usage: "tensor type `T` of token_embd.weight"},
		&cli.StringSliceFlag{Name: "tensor-type", Usage: "`REGEX=TYPE` for the tensors that match; the first match counts (repeatable)"},
		&cli.StringSliceFlag{Name: "override-kv", Usage: "`KEY=TYPE:VALUE` with TYPE int, float, bool or str (repeatable)"},
		&cli.BoolFlag{Name: "no-fallback", Usage: "refuse instead of falling back to another type"},
	}, append(splitFlags(), recipeFlags()...)...)
}

func quantizeOptions(c *cli.Context, g global) (quantize.Options, error) {
	o := quantize.Options{
		Threads: g.threads, AllowRequantize: c.Bool("allow-requantize"),
		IncludeWeights: c.StringSlice("include-weights"), ExcludeWeights: c.StringSlice("exclude-weights"),
	}
	o.Pure, o.LeaveOutputTensor, o.NoFallback = c.Bool("pure"), c.Bool("leave-output-tensor"), c.Bool("no-fallback")
	if err := applyRecipeFlags(c, &o); err != nil {
		return o, err
	}
	if c.String("type") == "" && o.File == nil {
		return o, usagef("%s needs --type, one of %s", c.Command.Name, strings.Join(encodable(), " "))
	}
	var err error
	if o.Split, o.KeepSplit, err = quantizeSplit(c); err != nil {
		return o, err
	}
	if v := c.String("type"); v != "" {
		if o.FileType, err = recipe.ParseFileType(v); err != nil {
			return o, usagef("--type: %v", err)
		}
	}
	if o.OutputTensorType, err = tensorTypeFlag(c, "output-tensor-type"); err != nil {
		return o, err
	}
	if o.TokenEmbeddingType, err = tensorTypeFlag(c, "token-embedding-type"); err != nil {
		return o, err
	}
	for _, v := range c.StringSlice("tensor-type") {
		tt, err := recipe.ParseTensorType(v)
		if err != nil {
			return o, usagef("--tensor-type: %v", err)
		}
		o.TensorTypes = append(o.TensorTypes, tt)
	}
	for _, v := range c.StringSlice("override-kv") {
		kv, err := quantize.ParseOverrideKV(v)
		if err != nil {
			return o, usagef("--override-kv: %v", err)
		}
		o.OverrideKV = append(o.OverrideKV, kv)
	}
	if f := c.String("imatrix"); f != "" {
		if o.Imatrix, err = imatrix.Read(f); err != nil {
			return o, err
		}
		o.ImatrixName = filepath.Base(f)
	} else if len(o.IncludeWeights)+len(o.ExcludeWeights) > 0 {
		return o, usagef("--include-weights and --exclude-weights need --imatrix")
	}
	return o, nil
}

// tensorTypeFlag returns nil when the flag is not given.
func tensorTypeFlag(c *cli.Context, name string) (*gguf.Type, error) {
	v := c.String(name)
	if v == "" {
		return nil, nil
	}
	t, err := gguf.ParseType(v)
	if err != nil {
		return nil, usagef("--%s: %v", name, err)
	}
	return &t, nil
}

func runQuantize(ctx context.Context, s streams, g global, src gguf.Model, source, out string, opts quantize.Options, rec *recorder) error {
	plan, err := quantize.NewPlan(src, opts)
	if err != nil {
		return err
	}
	if err := rec.begin(src, plan); err != nil {
		return err
	}
	return writePlan(ctx, s, g, plan, source, out, fmt.Sprintf("quantize to %s", opts.FileType), rec)
}

// encodable lists the file types whose tensors this carat can write.
func encodable() []string {
	return slices.DeleteFunc(recipe.Names(), func(name string) bool {
		ft, err := recipe.ParseFileType(name)
		if err != nil {
			return true
		}
		_, ok := codec.For(ft.Default())
		return !ok
	})
}
