package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func embedCommand() *cli.Command {
	return &cli.Command{
		Name:      "embed",
		Usage:     "make vectors of texts",
		ArgsUsage: "MODEL [TEXT...]",
		Description: `Makes a vector of each text: of the arguments, of each line of --file, or of each line of standard input. Vectors are
printed in the order of the texts, a line each; with --json an object a line; with --npy they go to a file for NumPy.
Texts are evaluated together, but the vector of one does not depend on the others, nor on the number of threads.

How the vectors of a text's tokens become one is what the model's pooling_type says, unless --pooling does; with none
each token's is printed, and an empty line behind each text. What a model wants in front of texts, as "query: ", it
does not say: give it by --prefix.

EXAMPLES:
   carat embed ./all-MiniLM-L6-v2 "a first text" "a second one"
   carat embed minilm.gguf --file lines.txt --npy vectors.npy
   carat embed Qwen3-Embedding-0.6B-Q8_0.gguf --json < lines.txt > vectors.jsonl
   carat embed nomic-embed-text.gguf --prefix "search_query: " "what is a carat?"
   carat embed smollm2-Q8_0.gguf --pooling mean "any model makes vectors of a kind"`,
		Flags: slices.Concat(
			group(textGroup,
				fileFlag(),
				&cli.StringFlag{Name: "prefix", Usage: "`TEXT` put in front of every text"},
				&cli.IntFlag{Name: "max-tokens", Usage: "`N` tokens that a text may have, if fewer than the model's context; by default as sentence_bert_config.json of a folder says"},
				&cli.BoolFlag{Name: "truncate", Usage: "leave out what is beyond that; otherwise such a text is an error"}),
			group(vectorGroup,
				&cli.StringFlag{Name: "pooling", Usage: "`" + strings.Join(embed.Poolings(), "|") + "` how tokens' vectors become one, in place of what the model says"},
				&cli.StringFlag{Name: "normalize", Value: "auto", Usage: "`auto|yes|no` give vectors the length 1; auto as modules.json of a checkpoint folder says, yes for others"},
				&cli.StringFlag{Name: "npy", Usage: "`FILE.npy` write vectors as an array of float32, one row a text"}),
			adapterFlags(), computeFlags(kernel.Exact), preFlag()),
		Action: func(c *cli.Context) error {
			g, model, err := openingTexts(c)
			if err != nil {
				return err
			}
			o := embedOptions{model: model, source: sourceOptions(c), normalize: c.String("normalize"), npy: c.String("npy"),
				Options: embed.Options{Prefix: c.String("prefix"), Truncate: c.Bool("truncate")}}
			o.source.Dense = true // vectors are those that sentence-transformers makes
			if o.adapters, err = adaptersOf(c); err != nil {
				return err
			}
			if o.MaxTokens = c.Int("max-tokens"); o.MaxTokens < 0 || c.IsSet("max-tokens") && o.MaxTokens < 3 {
				return usagef("--max-tokens must be at least 3 (got %d)", o.MaxTokens)
			}
			if err := o.choose(c.String("pooling")); err != nil {
				return err
			}
			if o.texts, err = lineTexts(c, g.in); err != nil {
				return err
			}
			return runEmbed(c.Context, g, o)
		},
	}
}

// embedOptions are the flags of embed.
type embedOptions struct {
	embed.Options
	model     string
	source    convert.Options
	adapters  []convert.LoRA
	texts     []string
	pooling   *embed.Pooling // nil: what the model says
	normalize string
	npy       string
}

// choose reads the flags that take one of some words.
func (o *embedOptions) choose(pooling string) error {
	if !slices.Contains([]string{"auto", "yes", "no"}, o.normalize) {
		return usagef("%s", suggest.OneOf("--normalize", o.normalize, []string{"auto", "yes", "no"}))
	}
	if pooling == "" {
		return nil
	}
	p, err := embed.ParsePooling(pooling)
	if err != nil {
		return usagef("--pooling: %w", err)
	}
	if p == embed.None && o.npy != "" {
		return usagef("--pooling none makes a vector of each token, and --npy has one row a text: leave one out")
	}
	o.pooling = &p
	return nil
}

// settle takes from the model what no flag says.
func (o *embedOptions) settle(src gguf.Model) (err error) {
	if o.pooling != nil {
		o.Pooling = *o.pooling
	} else if o.Pooling, err = embed.PoolingOf(src.Metadata()); err != nil {
		return err
	}
	if o.Pooling == embed.None && o.npy != "" {
		return usagef("the model makes a vector of each token (pooling none), and --npy has one row a text: leave it out, or give --pooling")
	}
	o.Normalize = o.normalize != "no"
	if folder, ok := src.(*convert.Model); ok && o.MaxTokens == 0 {
		if o.MaxTokens, err = folder.MaxTokens(); err != nil {
			return err
		}
	}
	if folder, ok := src.(*convert.Model); ok && o.normalize == "auto" {
		if yes, says := folder.Normalizes(); says {
			o.Normalize = yes
		}
	}
	return nil
}

func runEmbed(ctx context.Context, g global, o embedOptions) (err error) {
	src, err := g.open(o.model, o.source)
	if err != nil {
		return err
	}
	if err := o.settle(src); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", o.model, err), src.Close())
	}
	if src, err = g.adapt(src, o.model, o.adapters); err != nil {
		return err
	}
	defer src.Close()
	e, err := g.load(o.model, src, engine.Options{Text: true, Activations: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	var files outputs
	defer files.abort()
	out, err := newVectors(g, o, e, &files)
	if err != nil {
		return err
	}
	err = overTexts(g, o.model, e, func(progress func(done, total int64)) error {
		o.Progress = progress
		return embed.Run(ctx, e, o.texts, o.Options, out.put)
	})
	if err != nil {
		return err
	}
	return out.end(ctx)
}
