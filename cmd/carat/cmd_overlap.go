package main

import (
	"context"
	"fmt"
	"io"

	"github.com/carat-llm/carat/eval/overlap"
	"github.com/urfave/cli/v2"
)

func overlapCommand() *cli.Command {
	return &cli.Command{
		Name:      "overlap",
		Usage:     "find evaluation text that is also in the calibration text",
		ArgsUsage: "CALIB...",
		Description: `Compares texts by n-grams of words, ignoring case, punctuation and line breaks; in scripts without spaces a
character is a word. The exit code is 1 when more than --max-share of an evaluation text's n-grams are in a calibration
text: figures measured on that text flatter the model. Texts are plain UTF-8; extract the text of JSON lines first.

EXAMPLES:
   carat overlap calibration.txt --eval wiki.test.txt
   carat overlap code.txt prose.txt --eval wiki.test.txt --eval chat.txt --max-share 0.001
   carat overlap calibration.txt --eval wiki.test.txt --json | jq '.results[].longest'`,
		Flags: group(textGroup,
			&cli.StringSliceFlag{Name: "eval", Usage: "`FILE` evaluation text"},
			&cli.IntFlag{Name: "ngram", Value: overlap.DefaultNGram, Usage: "`N` words per n-gram"},
			&cli.Float64Flag{Name: "max-share", Usage: "`FRACTION` accepted fraction of shared n-grams, between 0 and 1"},
		),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			o := overlapOptions{Calibration: c.Args().Slice(), Evaluation: c.StringSlice("eval"), NGram: c.Int("ngram"), MaxShare: c.Float64("max-share")}
			switch {
			case len(o.Calibration) == 0:
				return usagef("overlap needs a calibration text; see carat overlap --help")
			case len(o.Evaluation) == 0:
				return usagef("overlap needs --eval FILE")
			case o.NGram < 1 || o.NGram > overlap.MaxNGram:
				return outOfRange("--ngram", 1, overlap.MaxNGram, o.NGram)
			case !(o.MaxShare >= 0 && o.MaxShare <= 1):
				return outOfRange("--max-share", 0, 1, o.MaxShare)
			}
			return runOverlap(c.Context, g, o)
		},
	}
}

type overlapOptions struct {
	Calibration, Evaluation []string
	NGram                   int
	MaxShare                float64
}

// overlaps is overlap's JSON.
type overlaps struct {
	NGram    int              `json:"ngram"`
	MaxShare float64          `json:"max_share"`
	Pass     bool             `json:"pass"`
	Results  []overlap.Result `json:"results"`
}

func runOverlap(ctx context.Context, g global, o overlapOptions) error {
	calib, err := readTexts(g.in, o.Calibration)
	if err != nil {
		return err
	}
	evals, err := readTexts(g.in, o.Evaluation)
	if err != nil {
		return err
	}
	out := overlaps{NGram: o.NGram, MaxShare: o.MaxShare, Pass: true}
	if out.Results, err = overlap.Check(ctx, calib, evals, o.NGram); err != nil {
		return err
	}
	above := 0
	for _, r := range out.Results {
		if r.Share > o.MaxShare {
			above++
		}
	}
	out.Pass = above == 0
	if g.json {
		if err := printJSON(g.out, out); err != nil {
			return err
		}
	} else if !g.quiet {
		out.print(g.out)
	}
	if !out.Pass {
		return &refusal{fmt.Sprintf("%d of %d pairs share more than %g %% of the evaluation text's %d-grams", above, len(out.Results), 100*o.MaxShare, o.NGram)}
	}
	return nil
}

func readTexts(in io.Reader, paths []string) ([]overlap.Text, error) {
	var out []overlap.Text
	for _, p := range paths {
		t, err := readText(in, p)
		if err != nil {
			return nil, err
		}
		out = append(out, overlap.Text{Name: p, Data: t.Data})
	}
	return out, nil
}

func (o *overlaps) print(out io.Writer) {
	t := newTable(out)
	t.row("evaluation", "calibration", "   share", fmt.Sprintf("%d-grams shared", o.NGram), "runs", "longest passage")
	for _, r := range o.Results {
		longest := ""
		switch {
		case r.Identical:
			longest = "the same file"
		case r.Longest != nil:
			longest = fmt.Sprintf("%d words", r.Longest.Words)
		}
		t.row(r.Evaluation, r.Calibration, fmt.Sprintf("%6.3f %%", 100*r.Share), fmt.Sprintf("%d of %d", r.Shared, r.NGrams), fmt.Sprintf("%4d", r.Runs), longest)
	}
	t.flush()
	for _, r := range o.Results {
		if p := r.Longest; p != nil && !r.Identical {
			printf(out, "\n%s from byte %d, %s from byte %d:\n  %s\n", r.Evaluation, p.EvaluationOffset, r.Calibration, p.CalibrationOffset, p.Excerpt)
		}
	}
}
