package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/measure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// measureFlags are shared by the verbs that evaluate models over texts.
func measureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "text", Usage: "evaluation text, `[NAME=]FILE`: UTF-8, or .jsonl with a document a line; several are slices of the figures"},
		&cli.StringFlag{Name: "text-field", Value: "text", Usage: "field of a .jsonl line that holds the text"},
		&cli.StringFlag{Name: "slice-field", Value: "slice", Usage: "field of a .jsonl line that names its slice"},
		&cli.StringFlag{Name: "reference", Usage: "`MODEL` to compare with"},
		&cli.IntFlag{Name: "ctx", Value: 512, Usage: "tokens in a chunk"},
		&cli.IntFlag{Name: "chunks", Usage: "evaluate only the first `N` chunks"},
		&cli.IntFlag{Name: "stride", Usage: "windows every `N` tokens, the last N of each scored"},
		&cli.IntFlag{Name: "max-tokens", Usage: "score at most `N` tokens (whole chunks)"},
		&cli.Float64Flag{Name: "until-width", Usage: "stop once the 95 % interval of the divergence (perplexity without a reference) is within this `SHARE` of it on either side, as 0.05"},
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
	case o.UntilWidth < 0 || o.UntilWidth >= 1:
		return usagef("--until-width %v: a share of the figure such as 0.05", o.UntilWidth)
	case o.Resume && o.Report == "":
		return usagef("--resume goes on from --report FILE.json, which is missing")
	}
	return nil
}

// texts reads the evaluation texts. Slices must have names of their own.
func (o *measureOptions) texts() ([]eval.Text, error) {
	var out []eval.Text
	seen := map[string]string{}
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
			seen[t.Name] = path
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

// models are those of one run. Closing closes all.
type models struct {
	g    global
	src  convert.Options
	sums *cache.Sums
	open []gguf.Model
}

func (m *models) close() {
	for _, o := range m.open {
		o.Close()
	}
	m.open = nil
}

// load opens and loads the model at path with room for ctx tokens.
func (m *models) load(path, role string, ctx int) (*measure.Model, error) {
	src, err := openModel(path, m.src)
	if err != nil {
		return nil, err
	}
	m.open = append(m.open, src)
	return m.add(path, src, role, ctx)
}

// add loads a model that is open already.
func (m *models) add(path string, src gguf.Model, role string, ctx int) (*measure.Model, error) {
	id, err := measure.Identify(path, src, m.sums.Hash)
	if err != nil {
		return nil, err
	}
	c, err := candidate(src, m.g, ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Name = path
	return &measure.Model{ID: id, Role: role, Source: src, Loaded: *c}, nil
}

// candidate loads m with room for ctx tokens.
func candidate(m gguf.Model, g global, ctx int) (*eval.Candidate, error) {
	mod, tok, err := loadModel(m, g)
	if err != nil {
		return nil, err
	}
	sess, err := mod.NewSession(ctx)
	if err != nil {
		return nil, err
	}
	return &eval.Candidate{Name: "the model", Session: sess, Vocab: mod.Vocab(), Tokenizer: tok}, nil
}

// runJob runs j with a progress bar that shows the figures so far. An interrupted run that --report names a file for
// leaves its report there; any interrupted run returns it.
func runJob(ctx context.Context, s streams, g global, j *measure.Job, o measureOptions) (*report.Report, error) {
	if o.Resume {
		r, err := report.Read(o.Report)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing was done yet
		} else if err == nil {
			err = j.Resume(r)
		}
		if err != nil {
			return nil, fmt.Errorf("--resume: %w", err)
		}
	} else if o.Report != "" {
		if r, err := report.Read(o.Report); err == nil && !r.Complete {
			return nil, usagef("%s is the report of an interrupted run: go on from it with --resume, or delete it", o.Report)
		}
	}
	b := newCounter(s.err, g, j.Command)
	defer b.finish()
	j.Threads = g.threads
	j.Progress = func(done, all int, series []*eval.Series) {
		b.describe(figuresSoFar(j, series))
		b.update(int64(done), int64(all))
	}
	r, err := j.Run(ctx)
	b.finish()
	if err == nil || r == nil || !errors.Is(err, context.Canceled) {
		return r, err
	}
	msg := fmt.Sprintf("interrupted after chunk %d of %d", len(r.Candidates[0].Chunks), r.Protocol.Chunks)
	if o.Report == "" {
		return r, &interruption{msg + "; with --report FILE.json a run can go on later"}
	}
	if err := report.Write(o.Report, r); err != nil {
		return r, err
	}
	return r, &interruption{fmt.Sprintf("%s; %s keeps what was measured: go on with --resume", msg, o.Report)}
}

// figuresSoFar is a progress bar's title.
func figuresSoFar(j *measure.Job, series []*eval.Series) string {
	name, label := "ppl", "ppl"
	if series[0].Paired {
		name, label = "kld.mean", "KLD"
	}
	parts := []string{j.Command}
	for i, s := range series[:min(3, len(series))] {
		l, err := s.Limits(name, eval.All)
		if err != nil {
			continue
		}
		if len(series) > 1 {
			parts = append(parts, j.Candidates[i].ID.FileType)
		}
		parts = append(parts, fmt.Sprintf("%s %.4g", label, l.Estimate()))
	}
	return strings.Join(parts, " ")
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
