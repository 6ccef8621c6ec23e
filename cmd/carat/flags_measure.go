package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

// measureFlags are shared by the verbs that evaluate models over texts.
func measureFlags() []cli.Flag {
	return slices.Concat(
		group(textGroup,
			&cli.StringSliceFlag{Name: "text", Usage: "`[NAME=]FILE` evaluation text, UTF-8 (- for standard input), or .jsonl with one document per line; each text is a slice with figures of its own"},
			&cli.StringFlag{Name: "text-field", Value: "text", Usage: "`FIELD` field of a .jsonl line that holds the text"},
			&cli.StringFlag{Name: "slice-field", Value: "slice", Usage: "`FIELD` field of a .jsonl line that names its slice"}),
		group(measureGroup,
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` model to compare with"},
			&cli.IntFlag{Name: "ctx", Value: 512, Usage: "`TOKENS` tokens per chunk"},
			&cli.IntFlag{Name: "chunks", Usage: "`N` evaluate only the first N chunks"},
			&cli.IntFlag{Name: "stride", Usage: "`N` start a window every N tokens and score its last N"},
			&cli.IntFlag{Name: "max-tokens", Usage: "`N` stop at the end of the chunk that scores the Nth token"},
			&cli.Float64Flag{Name: "until-width", Usage: "`FRACTION` stop once the 95 % interval of the divergence (without a reference: of perplexity or bits per byte) is within this fraction on either side, such as 0.05"}),
		computeFlags(kernel.Exact),
		group(outputGroup,
			&cli.StringFlag{Name: "report", Usage: "`FILE.json` write all figures (docs/report.md); an interrupted run saves what it has"},
			&cli.BoolFlag{Name: "resume", Usage: "resume the interrupted run saved in --report"}),
	)
}

// measureOptions are the values of measureFlags.
type measureOptions struct {
	Texts      []string // [NAME=]FILE
	Fields     text.JSONL
	Eval       text.Options
	MaxTokens  int
	UntilWidth float64
	Report     string
	Resume     bool
	in         io.Reader // for a text that is standard input
}

func measureOptionsOf(c *cli.Context) (measureOptions, error) {
	o := measureOptions{
		Texts: c.StringSlice("text"), Fields: text.JSONL{Text: c.String("text-field"), Slice: c.String("slice-field")},
		Eval:      text.Options{Context: c.Int("ctx"), Chunks: c.Int("chunks"), Stride: c.Int("stride")},
		MaxTokens: c.Int("max-tokens"), UntilWidth: c.Float64("until-width"), Report: c.String("report"), Resume: c.Bool("resume"),
		in: c.App.Reader,
	}
	return o, o.check()
}

func (o *measureOptions) check() error {
	switch e := o.Eval; {
	case e.Context < 4 || e.Context > 1<<20:
		return outOfRange("--ctx", 4, 1<<20, e.Context)
	case e.Chunks < 0 || o.MaxTokens < 0:
		return usagef("--chunks and --max-tokens must not be negative")
	case e.Stride < 0 || e.Stride >= e.Context:
		return usagef("--stride must be between 0 (off) and %d, one less than --ctx (got %d)", e.Context-1, e.Stride)
	case !(o.UntilWidth >= 0 && o.UntilWidth < 1):
		return usagef("--until-width must be a fraction such as 0.05 (got %v)", o.UntilWidth)
	case o.Resume && o.Report == "":
		return usagef("--resume needs --report FILE.json")
	}
	return nil
}

// texts reads the evaluation texts. Slices must have names of their own.
func (o *measureOptions) texts() ([]text.Text, error) {
	var out []text.Text
	seen, sums := map[string]string{}, map[string]string{}
	for _, arg := range o.Texts {
		name, path := namedFile(arg)
		texts, err := readSlices(o.in, path, name, o.Fields)
		if err != nil {
			return nil, err
		}
		for _, t := range texts {
			if other, ok := seen[t.Name]; ok {
				return nil, hint.Wrap(usagef("--text: %s and %s both make a slice %q", other, path, t.Name), "name them: --text NAME=FILE")
			}
			if other, ok := sums[t.SHA256]; ok {
				return nil, usagef("--text: the slices %q and %q are the same text and would count twice", other, t.Name)
			}
			seen[t.Name], sums[t.SHA256] = path, t.Name
			out = append(out, t)
		}
	}
	return out, nil
}

// namedFile cuts [NAME=]FILE.
func namedFile(arg string) (name, path string) {
	name, path, named := strings.Cut(arg, "=")
	if !named || strings.ContainsAny(name, `/\.`) {
		return "", arg
	}
	return name, path
}

// checkReport refuses, before the work, to lose what is at --report: only a complete report is overwritten.
func (o *measureOptions) checkReport() error {
	if o.Report == "" || o.Report == "-" {
		return nil
	}
	r, err := report.Read(o.Report)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--report %s exists and is not a report; give another name or delete it: %w", o.Report, err)
	case !r.Complete && !o.Resume:
		return usagef("%s is the report of an interrupted run: continue it with --resume, or delete it", o.Report)
	}
	return nil
}
