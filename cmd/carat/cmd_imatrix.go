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
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func imatrixCommand() *cli.Command {
	return &cli.Command{
		Name:      "imatrix",
		Usage:     "collect, merge and describe importance matrices",
		ArgsUsage: "MODEL | --merge FILE... | --stats FILE",
		Description: `Runs the model over a calibration text and sums the squared activations that each column of each weight matrix
receives; quantize --imatrix then spends its precision where they are large. The files are those of llama-imatrix,
GGUF or the older .dat. The result is the same for any number of threads. Any model that carat can run will do,
including quantized ones; the text should resemble what the model will read and have at least 100 chunks.

Every --save-every chunks, and when interrupted, the sums so far are saved as OUT.partial; --resume continues from
there. The report names experts and columns that the text did not reach.

--merge adds up files, for example of several texts; with a single file it converts the format.
--stats prints a table per tensor (most important layers first) and one per layer.

--hessian writes no importance matrix. It tells what build --calibration would have of the text: tokens that reach each
matrix, experts that too few reach, and the share of the output's squared error that rounding is expected to leave.

EXAMPLES:
   carat imatrix ./SmolLM2-135M --text calibration.txt -o smollm2.imatrix.gguf
   carat imatrix q8.gguf --text calibration.txt --chunks 100 -o smollm2.imatrix.gguf --resume
   carat imatrix --merge code.gguf prose.gguf -o both.gguf
   carat imatrix --merge old.dat -o new.gguf
   carat imatrix --stats smollm2.imatrix.gguf --min-coverage 99
   carat imatrix ./SmolLM2-135M --text calibration.txt --hessian --chunks 32`,
		Flags: slices.Concat(
			group("COLLECT",
				&cli.StringFlag{Name: "text", Usage: "`TEXT` calibration text: a file (UTF-8; - for standard input), a folder whose files take turns, or default for the text that comes with carat"},
				&cli.IntFlag{Name: "ctx", Value: imatrix.DefaultChunkSize, Usage: "`TOKENS` tokens per chunk; with --merge, of .dat files, which do not record it"},
				&cli.IntFlag{Name: "chunks", Usage: "`N` use only the first N chunks"},
				&cli.BoolFlag{Name: "process-output", Usage: "also collect for output.weight"},
				&cli.BoolFlag{Name: "hessian", Usage: "tell how much the text says about each matrix's second moments, and write nothing"},
				&cli.IntFlag{Name: "save-every", Value: 10, Usage: "`N` save OUT.partial every N chunks; 0 for never"},
				&cli.BoolFlag{Name: "resume", Usage: "continue from OUT.partial, if it exists"}),
			group("FILES",
				&cli.BoolFlag{Name: "merge", Usage: "add up the given files"},
				&cli.BoolFlag{Name: "stats", Usage: "describe the given file"}),
			group(outputGroup,
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`OUT` file to write; an existing file is replaced once the new one is complete"},
				&cli.StringFlag{Name: "format", Usage: "`gguf|dat` format of the output; by default dat if its name ends in .dat, otherwise gguf"},
				&cli.Float64Flag{Name: "min-coverage", Usage: "`P` write nothing and exit with 1 if less than P percent of any tensor's columns saw data"}),
			computeFlags(kernel.Exact),
			preFlag()),
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
				return usagef("--merge and --stats cannot be combined")
			case c.Bool("stats"):
				args, err := positional(c, 1, "--stats FILE")
				if err != nil {
					return err
				}
				return runImatrixStats(g, args[0], o)
			case c.Bool("hessian"):
				if err := momentsAlone(c); err != nil {
					return err
				}
				args, err := positional(c, 1, "MODEL")
				if err != nil {
					return err
				}
				return runMoments(c.Context, g, args[0], sourceOptions(c), o)
			case o.Out == "":
				return usagef("imatrix needs -o OUT (or --stats FILE, or --hessian)")
			case c.Bool("merge"):
				if c.NArg() == 0 {
					return usagef("imatrix --merge needs the files to add up")
				}
				return runImatrixMerge(g, c.Args().Slice(), o)
			}
			args, err := positional(c, 1, "MODEL")
			if err != nil {
				return err
			}
			if o.Text == "" {
				return usagef("imatrix needs --text FILE")
			}
			o.Model, o.Source = args[0], sourceOptions(c)
			return runImatrix(c.Context, g, o)
		},
	}
}

// momentsAlone refuses what means nothing with --hessian, whose chunks are those of --calibration.
func momentsAlone(c *cli.Context) error {
	for _, f := range []string{"output", "format", "merge", "stats", "min-coverage", "process-output", "save-every", "resume", "ctx"} {
		if c.IsSet(f) {
			return usagef("--%s has no effect with --hessian", f)
		}
	}
	if c.String("text") == "" {
		return usagef("imatrix --hessian needs --text FILE")
	}
	return nil
}

type imatrixOptions struct {
	Model           string
	Source          convert.Options
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
		return usagef("%s", suggest.OneOf("--format", string(o.Format), []string{"gguf", "dat"}))
	case o.Context < 4 || o.Context > 1<<20:
		return outOfRange("--ctx", 4, 1<<20, o.Context)
	case o.Chunks < 0:
		return usagef("--chunks must not be negative (got %d)", o.Chunks)
	case !(o.MinCoverage >= 0 && o.MinCoverage <= 100):
		return outOfRange("--min-coverage", 0, 100, o.MinCoverage)
	case o.SaveEvery < 0:
		return usagef("--save-every must not be negative (got %d)", o.SaveEvery)
	}
	return nil
}

// partial is where snapshots go.
func (o *imatrixOptions) partial() string { return o.Out + ".partial" }

func runImatrix(ctx context.Context, g global, o imatrixOptions) error {
	if exists(o.partial()) && !o.Resume {
		return usagef("%s of an interrupted run exists: continue it with --resume, or delete it", o.partial())
	}
	m, err := g.open(o.Model, o.Source)
	if err != nil {
		return err
	}
	defer m.Close()
	text, err := readCalibration(g.in, o.Text)
	if err != nil {
		return err
	}
	if o.Output && !slices.ContainsFunc(m.Tensors(), func(t gguf.Tensor) bool { return t.Info().Name == "output.weight" }) {
		fmt.Fprintln(g.err, "carat: note: the model has no separate output.weight; --process-output has no effect")
		o.Output = false
	}
	model, err := imatrix.Fingerprint(m)
	if err != nil {
		return err
	}
	snap := imatrix.Snapshot{Model: model, Text: text.SHA256, Context: o.Context, Output: o.Output, Computation: g.computing.record().String()}
	matrix, err := collectImatrix(ctx, g, m, imatrixText{text, snap}, o)
	if err != nil {
		return err
	}
	err = finishImatrix(g, matrix, o)
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

// imatrixText is what a matrix is collected from, and what an interrupted run keeps of it.
type imatrixText struct {
	*calibrationText
	imatrix.Snapshot
}

// collectImatrix runs m over the text and keeps snapshots.
func collectImatrix(ctx context.Context, g global, m gguf.Model, in imatrixText, o imatrixOptions) (*imatrix.Matrix, error) {
	e, err := g.load(o.Model, m, engine.Options{Text: true})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	sess, err := e.NewSession(o.Context)
	if err != nil {
		return nil, err
	}
	warnBeyond(g.err, o.Model, e, o.Context, fmt.Sprintf("--ctx %d tokens", o.Context))
	chunks, err := in.chunks(e, m.Metadata(), o.Context, o.Chunks)
	if err != nil {
		return nil, err
	}
	opts := imatrix.Options{Dataset: filepath.Base(o.Text), SHA256: in.SHA256, Output: o.Output, Vocab: e.Vocab(), Threads: g.threads, SaveEvery: o.SaveEvery}
	if o.SaveEvery > 0 {
		opts.Save = func(sums *imatrix.Matrix) error {
			if err := gguf.Unchanged(m); err != nil { // --resume would continue from sums of two models
				return err
			}
			return in.Write(o.partial(), sums)
		}
	}
	done := 0
	if exists(o.partial()) {
		if opts.Start, err = in.Read(o.partial()); err != nil {
			return nil, err
		}
		done = opts.Start.Chunks
	}
	b := newBar(g, "collect")
	defer b.finish()
	opts.Progress = func(chunk, chunks int) {
		done = chunk
		// In bytes of text, as every bar of carat counts bytes.
		b.update(int64(len(in.Data))*int64(chunk)/int64(chunks), int64(len(in.Data)))
	}
	matrix, err := imatrix.Collect(ctx, sess, chunks, opts)
	if errors.Is(err, context.Canceled) && exists(o.partial()) {
		return nil, &interruption{fmt.Sprintf("interrupted after chunk %d of %d", done, len(chunks)), o.partial() + " keeps what was collected: continue with --resume"}
	}
	if err != nil {
		return nil, err
	}
	return matrix, gguf.Unchanged(m)
}

func runImatrixMerge(g global, paths []string, o imatrixOptions) error {
	var ms []imatrix.Named
	for _, p := range paths {
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
	return finishImatrix(g, m, o)
}

// finishImatrix writes m unless its coverage is too low, and reports.
func finishImatrix(g global, m *imatrix.Matrix, o imatrixOptions) error {
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
	return errors.Join(r.show(g), refused)
}

func runImatrixStats(g global, path string, o imatrixOptions) error {
	m, err := imatrix.Read(path)
	if err != nil {
		return err
	}
	r := reportImatrix(m)
	r.File, r.Statistics = path, m.Statistics()
	r.Layers = imatrix.Layers(r.Statistics)
	return errors.Join(r.show(g), r.refuse(o.MinCoverage))
}
