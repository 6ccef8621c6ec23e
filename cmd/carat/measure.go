package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/report"
	"github.com/urfave/cli/v2"
)

// measureFlags are shared by the verbs that evaluate models over texts.
func measureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "text", Usage: "evaluation text, `[NAME=]FILE`: UTF-8, or .jsonl with a document a line; several are slices with figures of their own"},
		&cli.StringFlag{Name: "text-field", Value: "text", Usage: "`FIELD` of a .jsonl line that holds the text"},
		&cli.StringFlag{Name: "slice-field", Value: "slice", Usage: "`FIELD` of a .jsonl line that names its slice"},
		&cli.StringFlag{Name: "reference", Usage: "`MODEL` to compare with"},
		&cli.IntFlag{Name: "ctx", Value: 512, Usage: "`TOKENS` in a chunk"},
		&cli.IntFlag{Name: "chunks", Usage: "evaluate only the first `N` chunks"},
		&cli.IntFlag{Name: "stride", Usage: "windows every `N` tokens, the last N of each scored"},
		&cli.IntFlag{Name: "max-tokens", Usage: "stop at the end of the chunk in which the `N`th token is scored"},
		&cli.Float64Flag{Name: "until-width", Usage: "stop once the 95 % interval of the divergence (without a reference perplexity, or bits per byte) is within this `SHARE` of it on either side, as 0.05"},
		&cli.StringFlag{Name: "report", Usage: "write all figures to `FILE.json` (docs/report.md), when interrupted those until then"},
		&cli.BoolFlag{Name: "resume", Usage: "go on from the interrupted --report"},
	}
}

// measureOptions are the values of measureFlags.
type measureOptions struct {
	Texts      []string // [NAME=]FILE
	Fields     eval.JSONL
	Eval       eval.Options
	MaxTokens  int
	UntilWidth float64
	Report     string
	Resume     bool
}

func measureOptionsOf(c *cli.Context) (measureOptions, error) {
	o := measureOptions{
		Texts: c.StringSlice("text"), Fields: eval.JSONL{Text: c.String("text-field"), Slice: c.String("slice-field")},
		Eval:      eval.Options{Context: c.Int("ctx"), Chunks: c.Int("chunks"), Stride: c.Int("stride")},
		MaxTokens: c.Int("max-tokens"), UntilWidth: c.Float64("until-width"), Report: c.String("report"), Resume: c.Bool("resume"),
	}
	return o, o.check()
}

func (o *measureOptions) check() error {
	switch e := o.Eval; {
	case e.Context < 4 || e.Context > 1<<20:
		return usagef("--ctx %d: from 4 to %d", e.Context, 1<<20)
	case e.Chunks < 0 || o.MaxTokens < 0:
		return usagef("--chunks and --max-tokens must not be negative")
	case e.Stride < 0 || e.Stride >= e.Context:
		return usagef("--stride %d: from 1 to ctx-1, or 0 for none", e.Stride)
	case !(o.UntilWidth >= 0 && o.UntilWidth < 1):
		return usagef("--until-width %v: a share of the figure such as 0.05", o.UntilWidth)
	case o.Resume && o.Report == "":
		return usagef("--resume goes on from --report FILE.json, which is missing")
	}
	return nil
}

// texts reads the evaluation texts. Slices must have names of their own.
func (o *measureOptions) texts() ([]eval.Text, error) {
	var out []eval.Text
	seen, sums := map[string]string{}, map[string]string{}
	for _, arg := range o.Texts {
		name, path := namedFile(arg)
		texts, err := eval.ReadTexts(path, name, o.Fields)
		if err != nil {
			return nil, err
		}
		for _, t := range texts {
			if other, ok := seen[t.Name]; ok {
				return nil, usagef("--text: %s and %s both make a slice %q; name them: --text NAME=FILE", other, path, t.Name)
			}
			if other, ok := sums[t.SHA256]; ok {
				return nil, usagef("--text: the slices %q and %q are the same text, which would count as twice the evidence", other, t.Name)
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
	if err := writable("--report", o.Report); err != nil || o.Report == "" {
		return err
	}
	r, err := report.Read(o.Report)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--report %s is there already and no report that could be replaced; give another name or delete it: %w", o.Report, err)
	case !r.Complete && !o.Resume:
		return usagef("%s is the report of an interrupted run: go on from it with --resume, or delete it", o.Report)
	}
	return nil
}

// writable refuses, before the work, a file that cannot be written after it.
func writable(flag, path string) error {
	if path == "" || path == "-" {
		return nil
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
		return usagef("%s %s: there is no such folder", flag, path)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return usagef("%s %s is a folder; give the file's name", flag, path)
	}
	return nil
}
