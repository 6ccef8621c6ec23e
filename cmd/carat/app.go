package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

// streams are the program's standard files, so that tests can give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

const about = `carat turns a safetensors checkpoint into a GGUF file that fits, and measures what that cost.

EXAMPLES:
   carat build ./SmolLM2-135M --type Q4_K_M --eval wiki.txt -o smollm2-Q4_K_M.gguf
   carat convert ./SmolLM2-135M --outtype bf16 -o smollm2-BF16.gguf
   carat plan smollm2-BF16.gguf --type Q5_K_M
   carat imatrix ./SmolLM2-135M --text calibration.txt -o smollm2.imatrix.gguf
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt --reference ./SmolLM2-135M
   carat tasks smollm2-Q4_K_M.gguf --task hellaswag=hellaswag_val_full.txt --limit 400
   carat inspect smollm2-Q4_K_M.gguf

MODEL is a checkpoint folder or a GGUF file (the first part of a split included).
Flags may stand before or after positional arguments.

EXIT STATUS:
   0 done                    4 bad input (file, checkpoint)
   1 a check said no         5 the environment cannot (disk, memory)
   2 usage                  70 a bug in carat
   3 inconclusive          130 interrupted

ENVIRONMENT:
   CARAT_THREADS  threads, when --threads is not given
   CARAT_CPU      generic | avx2: use no better instructions than these
   NO_COLOR       no colours`

// verbs lists the commands, one file each. A new verb is a new file and a line here.
func verbs(s streams) []*cli.Command {
	return []*cli.Command{
		buildCommand(s),
		convertCommand(s),
		quantizeCommand(s),
		planCommand(s),
		imatrixCommand(s),
		evalCommand(s),
		compareCommand(s),
		sweepCommand(s),
		gateCommand(s),
		reportCommand(s),
		cacheCommand(s),
		tasksCommand(s),
		benchCommand(s),
		overlapCommand(s),
		runCommand(s),
		inspectCommand(s),
		verifyCommand(s),
		diffCommand(s),
		hashCommand(s),
		splitCommand(s),
		mergeCommand(s),
		editCommand(s),
		completionCommand(s),
	}
}

func newApp(s streams) *cli.App {
	app := &cli.App{
		Name:                      "carat",
		Usage:                     "convert, quantize and measure language models",
		UsageText:                 "carat VERB MODEL [flags]     carat VERB --help",
		Description:               about,
		Version:                   buildinfo.Version(),
		Commands:                  verbs(s),
		Reader:                    s.in,
		Writer:                    s.out,
		ErrWriter:                 s.err,
		Suggest:                   true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // --tensor-type 'a{1,2}=q8_0' holds a comma
		HideHelpCommand:           true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides the exit code, after every defer
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usagef("%v", err) },
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				verb := c.Args().First()
				return usagef("no verb %q; see carat --help. %s", verb, cli.SuggestCommand(c.App.Commands, verb))
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, c := range app.Commands {
		c.Flags = append(c.Flags, globalFlags()...)
		c.OnUsageError = app.OnUsageError
		c.HideHelpCommand = true
		c.UseShortOptionHandling = false
		for _, f := range c.Flags {
			if b, ok := f.(*cli.BoolFlag); ok {
				b.DisableDefaultText = true // "(default: false)" teaches nobody
			}
		}
	}
	return app
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	out := &checkedOutput{w: s.out}
	s.out, s.err = out, uncheckedOutput{s.err}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(s.err, "carat: internal error: %v\n%s\nPlease report this.\n", r, debug.Stack())
			code = exitBug
		}
	}()
	if err := kernel.CheckEnv(); err != nil {
		return reportError(s.err, args, usagef("%v", err))
	}
	app := newApp(s)
	if err := out.verdict(app.RunContext(ctx, normalise(app, args))); err != nil {
		return reportError(s.err, args, err)
	}
	return 0
}

// reportError prints err as people or machines want it, and gives its exit code.
func reportError(w io.Writer, args []string, err error) int {
	code := exitCode(err)
	if hasFlag(args, "log-format", "json") {
		attrs := []any{"exit", code}
		if h := hint.Of(err); h != "" {
			attrs = append(attrs, "hint", h)
		}
		slog.New(slog.NewJSONHandler(w, nil)).Error(err.Error(), attrs...)
		return code
	}
	var left *interruption
	if errors.As(err, &left) {
		printf(w, "carat: %v\n", left)
		return code
	}
	var v *verdict
	if errors.As(err, &v) {
		printf(w, "carat: %v\n", v)
		return code
	}
	if code == exitInterrupted {
		fmt.Fprintln(w, "carat: interrupted; no output was left")
		return code
	}
	if code == exitRefused {
		printf(w, "carat: %v\n", err)
		return code
	}
	printf(w, "carat: error: %v\n", err)
	if h := hint.Of(err); h != "" {
		printf(w, "hint: %s\n", h)
	}
	return code
}
