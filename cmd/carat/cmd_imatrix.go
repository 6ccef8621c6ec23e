package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/quantize/imatrix"
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
