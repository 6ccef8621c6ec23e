package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/urfave/cli/v2"
)

func imatrixCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "imatrix",
		Usage:     "collect, merge and describe importance matrices",
		ArgsUsage: "MODEL | --merge FILE... | --stats FILE",
		Description: `Runs the model over a calibration text and adds up the squared activations that each column of each weight
matrix meets; quantize --imatrix then spends its precision where they are large. The files are those of
llama-imatrix, GGUF or the older .dat. The result is the same for any number of threads. Any model that carat can
run will do, quantized ones too; the text should be like what the model will read, at least some 100 chunks.

Every --save-every chunks, and when interrupted, what there is so far is saved as OUT.partial; --resume goes on
from it. The report names experts and columns that the text did not reach.

--merge adds up files, as of several texts; of a single file it changes the format.
--stats prints a table per tensor (the layers that matter most first) and one per layer.

EXAMPLES:
   carat imatrix ./SmolLM2-135M --text calibration.txt -o smollm2.imatrix.gguf
   carat imatrix smollm2-Q8_0.gguf --text calibration.txt --chunks 100 -o smollm2.imatrix.gguf --resume
   carat imatrix --merge code.gguf prose.gguf -o both.gguf
   carat imatrix --merge old.dat -o new.gguf
   carat imatrix --stats smollm2.imatrix.gguf --min-coverage 99`,
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "text", Usage: "calibration text `FILE` (UTF-8)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`OUT`; an existing file is replaced when the new one is whole"},
			&cli.StringFlag{Name: "format", Usage: "`gguf|dat` (default: dat if OUT ends in .dat, else gguf)"},
			&cli.IntFlag{Name: "ctx", Value: imatrix.DefaultChunkSize, Usage: "tokens in a chunk; with --merge, those of .dat files, which do not say"},
			&cli.IntFlag{Name: "chunks", Usage: "use only the first `N` chunks"},
			&cli.BoolFlag{Name: "process-output", Usage: "collect for output.weight, too"},
			&cli.Float64Flag{Name: "min-coverage", Usage: "write nothing and exit with 1 if less than `P` percent of any tensor's columns saw data"},
			&cli.IntFlag{Name: "save-every", Value: 10, Usage: "save OUT.partial every `N` chunks; 0 for never"},
			&cli.BoolFlag{Name: "resume", Usage: "go on from OUT.partial, if there is one"},
			&cli.BoolFlag{Name: "merge", Usage: "add up the files given"},
			&cli.BoolFlag{Name: "stats", Usage: "describe the file given"}),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			o := imatrixOptions{
				Text: c.String("text"), Out: c.String("output"), Format: imatrix.Format(c.String("format")),
				Context: c.Int("ctx"), Chunks: c.Int("chunks"), Output: c.Bool("process-output"),
				MinCoverage: c.Float64("min-coverage"), SaveEvery: c.Int("save-every"), Resume: c.Bool("resume"),
			}
			if err := o.check(); err != nil {
				return err
			}
			switch {
			case c.Bool("merge") && c.Bool("stats"):
				return usagef("--merge and --stats: one of them")
			case c.Bool("stats"):
				args, err := positional(c, 1, "--stats FILE")
				if err != nil {
					return err
				}
				return runImatrixStats(s, g, args[0], o)
			case o.Out == "":
				return usagef("imatrix needs -o OUT (or --stats FILE)")
			case c.Bool("merge"):
				if c.NArg() == 0 {
					return usagef("imatrix --merge takes the files to add up")
				}
				return runImatrixMerge(s, g, c.Args().Slice(), o)
			}
			args, err := positional(c, 1, "MODEL")
			if err != nil {
				return err
			}
			if o.Text == "" {
				return usagef("imatrix needs --text FILE")
			}
			return runImatrix(c.Context, s, g, args[0], sourceOptions(c), o)
		},
	}
}

type imatrixOptions struct {
	Text, Out       string
	Format          imatrix.Format
	Context, Chunks int
	Output          bool
	MinCoverage     float64
	SaveEvery       int
	Resume          bool
}

// check refuses what cannot be meant, and chooses the format.
func (o *imatrixOptions) check() error {
	if o.Format == "" {
		o.Format = imatrix.GGUF
		if strings.EqualFold(filepath.Ext(o.Out), ".dat") {
			o.Format = imatrix.Dat
		}
	}
	switch {
	case o.Format != imatrix.GGUF && o.Format != imatrix.Dat:
		return usagef("--format %q is neither gguf nor dat", o.Format)
	case o.Context < 4 || o.Context > 1<<20:
		return usagef("--ctx %d: from 4 to %d", o.Context, 1<<20)
	case o.Chunks < 0:
		return usagef("--chunks %d must not be negative", o.Chunks)
	case !(o.MinCoverage >= 0 && o.MinCoverage <= 100):
		return usagef("--min-coverage %v: from 0 to 100 percent", o.MinCoverage)
	case o.SaveEvery < 0:
		return usagef("--save-every %d must not be negative", o.SaveEvery)
	}
	return nil
}

// partial is where snapshots go.
func (o *imatrixOptions) partial() string { return o.Out + ".partial" }

func runImatrix(ctx context.Context, s streams, g global, path string, src convert.Options, o imatrixOptions) error {
	for _, in := range []string{path, o.Text} {
		if err := sameFile(in, o.Out); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Dir(o.Out)); err != nil {
		return err // now, not after hours
	}
	if exists(o.partial()) && !o.Resume {
		return usagef("%s of a collection before is there: go on from it with --resume, or delete it", o.partial())
	}
	m, err := g.open(path, src)
	if err != nil {
		return err
	}
	defer m.Close()
	text, err := eval.ReadText(o.Text)
	if err != nil {
		return err
	}
	if o.Output && !slices.ContainsFunc(m.Tensors(), func(t gguf.Tensor) bool { return t.Info().Name == "output.weight" }) {
		fmt.Fprintln(s.err, "carat: note: the model has no output.weight of its own; --process-output does nothing")
		o.Output = false
	}
	model, err := imatrix.Fingerprint(m)
	if err != nil {
		return err
	}
	snap := imatrix.Snapshot{Model: model, Text: text.SHA256, Context: o.Context, Output: o.Output}
	matrix, err := collectImatrix(ctx, s, g, m, text, snap, o)
	if err != nil {
		return err
	}
	err = finishImatrix(s, g, matrix, o)
	var no *refusal
	if errors.As(err, &no) && o.SaveEvery > 0 {
		if err := snap.Write(o.partial(), matrix); err != nil {
			return err
		}
		return &refusal{fmt.Sprintf("%s; %s keeps what was collected: --resume with a lower --min-coverage writes it", no.msg, o.partial())}
	}
	if err != nil || !exists(o.partial()) {
		return err
	}
	return os.Remove(o.partial())
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// collectImatrix runs m over the text and keeps snapshots.
func collectImatrix(ctx context.Context, s streams, g global, m gguf.Model, text eval.Text, snap imatrix.Snapshot, o imatrixOptions) (*imatrix.Matrix, error) {
	mod, tok, err := loadModel(m, g)
	if err != nil {
		return nil, err
	}
	sess, err := mod.NewSession(o.Context)
	if err != nil {
		return nil, err
	}
	chunks, err := eval.Chunks(o.Text, text.Data, tok, eval.Options{Context: o.Context, Chunks: o.Chunks})
	if err != nil {
		return nil, err
	}
	opts := imatrix.Options{Dataset: filepath.Base(o.Text), SHA256: text.SHA256, Output: o.Output, Vocab: mod.Vocab(), Threads: g.threads, SaveEvery: o.SaveEvery}
	if o.SaveEvery > 0 {
		opts.Save = func(m *imatrix.Matrix) error { return snap.Write(o.partial(), m) }
	}
	done := 0
	if exists(o.partial()) {
		if opts.Start, err = snap.Read(o.partial()); err != nil {
			return nil, err
		}
		done = opts.Start.Chunks
	}
	b := newBar(s.err, g, "collect")
	defer b.finish()
	opts.Progress = func(chunk, chunks int) {
		done = chunk
		// In bytes of text, as every bar of carat counts bytes.
		b.update(int64(len(text.Data))*int64(chunk)/int64(chunks), int64(len(text.Data)))
	}
	matrix, err := imatrix.Collect(ctx, sess, chunks, opts)
	if errors.Is(err, context.Canceled) && exists(o.partial()) {
		return nil, &interruption{fmt.Sprintf("interrupted after chunk %d of %d", done, len(chunks)), o.partial() + " keeps what was collected: go on with --resume"}
	}
	if err != nil {
		return nil, err
	}
	return matrix, gguf.Unchanged(m)
}

func runImatrixMerge(s streams, g global, paths []string, o imatrixOptions) error {
	var ms []imatrix.Named
	for _, p := range paths {
		if err := sameFile(p, o.Out); err != nil {
			return err
		}
		m, err := imatrix.Read(p)
		if err != nil {
			return err
		}
		ms = append(ms, imatrix.Named{Name: p, Matrix: m})
	}
	m, err := imatrix.Merge(ms, o.Context)
	if err != nil {
		return err
	}
	return finishImatrix(s, g, m, o)
}

// finishImatrix writes m unless its coverage is too low, and reports.
func finishImatrix(s streams, g global, m *imatrix.Matrix, o imatrixOptions) error {
	r := reportImatrix(m)
	refused := r.refuse(o.MinCoverage)
	if refused == nil {
		if err := m.Write(o.Out, o.Format); err != nil {
			return err
		}
		var err error
		if r.Output, err = hashFile(o.Out); err != nil {
			return err
		}
	}
	return errors.Join(r.show(s, g), refused)
}

func runImatrixStats(s streams, g global, path string, o imatrixOptions) error {
	m, err := imatrix.Read(path)
	if err != nil {
		return err
	}
	r := reportImatrix(m)
	r.File, r.Statistics = path, m.Statistics()
	r.Layers = imatrix.Layers(r.Statistics)
	return errors.Join(r.show(s, g), r.refuse(o.MinCoverage))
}
