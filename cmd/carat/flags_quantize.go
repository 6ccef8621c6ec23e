package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

// quantizeFlags are shared by quantize, build and plan.
func quantizeFlags() []cli.Flag {
	types := group(typesGroup,
		&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "`T` file type, such as Q4_K_M"},
		&cli.BoolFlag{Name: "pure", Usage: "use the file type's default type for every tensor"},
		&cli.StringSliceFlag{Name: "tensor-type", Usage: "`REGEX=TYPE` type of the tensors that match; the first match counts"},
		&cli.StringFlag{Name: "output-tensor-type", Usage: "`T` tensor type of output.weight"},
		&cli.StringFlag{Name: "token-embedding-type", Usage: "`T` tensor type of token_embd.weight"},
		&cli.BoolFlag{Name: "leave-output-tensor", Usage: "do not quantize output.weight"},
		&cli.BoolFlag{Name: "allow-requantize", Usage: "accept a source that is already quantized; costs quality"},
		&cli.BoolFlag{Name: "no-fallback", Usage: "fail instead of falling back to another type"})
	matrix := group(imatrixGroup,
		&cli.StringFlag{Name: "imatrix", Usage: "`FILE` importance matrix, GGUF or .dat"},
		&cli.StringSliceFlag{Name: "include-weights", Usage: "`S` use the matrix only for tensors with S in their name"},
		&cli.StringSliceFlag{Name: "exclude-weights", Usage: "`S` do not use the matrix for tensors with S in their name"})
	metadata := group(tensorsGroup,
		&cli.StringFlag{Name: "prune-layers", Usage: "`A,B,C` leave out these layers"},
		&cli.StringSliceFlag{Name: "override-kv", Usage: "`KEY=TYPE:VALUE` set metadata; the type is int, float, bool or str"})
	return slices.Concat(append(types, clientFlag()), recipeFlags(), matrix, metadata)
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
	if c.String("type") == "" && o.File == nil && len(setBudgets(c)) == 0 && c.String("measurements") == "" && c.String("pareto") == "" {
		return o, hint.Wrap(usagef("%s needs --type", c.Command.Name), "file types: %s", strings.Join(encodable(), " "))
	}
	var err error
	if o.Clients, err = clientOptions(c); err != nil {
		return o, err
	}
	if o.Split, o.KeepSplit, err = quantizeSplit(c); err != nil {
		return o, err
	}
	if v := c.String("type"); v != "" {
		if o.FileType, err = recipe.ParseFileType(v); err != nil {
			return o, usagef("--type: %w", err)
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
			return o, usagef("--tensor-type: %w", err)
		}
		o.TensorTypes = append(o.TensorTypes, tt)
	}
	for _, v := range c.StringSlice("override-kv") {
		kv, err := quantize.ParseOverrideKV(v)
		if err != nil {
			return o, usagef("--override-kv: %w", err)
		}
		if slices.ContainsFunc(o.OverrideKV, func(other gguf.KV) bool { return other.Key == kv.Key }) {
			return o, usagef("--override-kv names %s twice: a key has one value", kv.Key)
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
		return nil, usagef("--%s: %w", name, err)
	}
	return &t, nil
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
