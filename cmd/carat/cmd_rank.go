package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func rankCommand() *cli.Command {
	return &cli.Command{
		Name:      "rank",
		Usage:     "sort texts by how well they answer a query",
		ArgsUsage: "MODEL --query TEXT [TEXT...]",
		Description: `Scores each text with a reranker: the arguments, the lines of --file, or those of standard input. They are printed a
line each, the best first: a score between 0 and 1, a tab, the text; with --json an object a line, with the number that
the model computed (logit) and the place of the text in the input (index, from 0).

The score is 1/(1+exp(-logit)), as sentence-transformers' CrossEncoder has it; of Qwen3-Reranker it is the probability of
"yes" before "no". Query and text are paired as the model was trained: with the tokens of its tokenizer around and between
them, or in its prompt, of which --instruct replaces the task.

EXAMPLES:
   carat rank ./bge-reranker-v2-m3 --query "what is a carat?" "A unit of mass of gems." "A root vegetable."
   carat rank bge-reranker.gguf --query "what is a carat?" --file passages.txt --top 5
   carat rank Qwen3-Reranker-0.6B-Q8_0.gguf --query "sort in Go" --json < docs.txt
   carat rank Qwen3-Reranker-0.6B-Q8_0.gguf --query "lists.Sort" --instruct "Given an identifier, find its documentation" < docs.txt`,
		Flags: slices.Concat(
			group(textGroup,
				&cli.StringFlag{Name: "query", Usage: "`TEXT` what texts are to answer"},
				fileFlag(),
				&cli.StringFlag{Name: "instruct", Usage: "`TEXT` the task given to a language model, in place of the file's"},
				&cli.IntFlag{Name: "top", Usage: "`N` print the best N texts only"},
				&cli.BoolFlag{Name: "truncate", Usage: "leave out the end of texts that the model's context has no room for; otherwise such a text is an error"}),
			computeFlags(kernel.Exact), preFlag()),
		Action: func(c *cli.Context) error {
			g, model, err := openingTexts(c)
			if err != nil {
				return err
			}
			o := rankOptions{model: model, source: sourceOptions(c), query: c.String("query"), top: c.Int("top"),
				RankOptions: embed.RankOptions{Instruct: c.String("instruct"), Truncate: c.Bool("truncate")}}
			o.source.Pooler = true // scores are the checkpoint's
			switch {
			case !c.IsSet("query"):
				return usagef("rank needs --query TEXT: what texts are to answer")
			case o.top < 0 || c.IsSet("top") && o.top == 0:
				return usagef("--top must be at least 1 (got %d)", o.top)
			}
			if o.texts, err = lineTexts(c, g.in); err != nil {
				return err
			}
			return runRank(c.Context, g, o)
		},
	}
}

// rankOptions are the flags of rank.
type rankOptions struct {
	embed.RankOptions
	model, query string
	source       convert.Options
	texts        []string
	top          int
}

// ranked is a line of rank's JSON.
type ranked struct {
	Index  int     `json:"index"`
	Text   string  `json:"text"`
	Tokens int     `json:"tokens"`
	Score  float64 `json:"score"`
	Logit  float32 `json:"logit"`
}

func runRank(ctx context.Context, g global, o rankOptions) (err error) {
	src, err := g.open(o.model, o.source)
	if err != nil {
		return err
	}
	defer src.Close()
	e, err := g.load(o.model, src, engine.Options{Text: true, Activations: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if src.Metadata().Architecture() == "bert" && e.Scores() == 1 && !e.HasPooler() {
		g.note(o.model + " has no pooler (cls.weight), which the reference converter leaves out: scores are those of llama.cpp, not of the checkpoint; convert --pooler keeps it")
	}
	var all []ranked
	err = overTexts(g, o.model, e, func(progress func(done, total int64)) error {
		o.Progress = progress
		return embed.Rank(ctx, e, o.query, o.texts, o.RankOptions, func(r embed.Score) error {
			all = append(all, ranked{len(all), o.texts[len(all)], r.Tokens, r.Score, r.Logit})
			return nil
		})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.Logit, a.Logit) })
	if o.top > 0 {
		all = all[:min(o.top, len(all))]
	}
	return printRanked(g.out, g, all)
}

func printRanked(out io.Writer, g global, all []ranked) error {
	for _, r := range all {
		if g.json {
			if err := writeJSON(out, r, ""); err != nil {
				return err
			}
			continue
		}
		text := strings.NewReplacer("\n", " ", "\t", " ").Replace(r.Text)
		if _, err := fmt.Fprintf(out, "%s\t%s\n", strconv.FormatFloat(r.Score, 'g', 6, 64), text); err != nil {
			return err
		}
	}
	return nil
}
