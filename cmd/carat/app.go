package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/internal/hint"
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

MODEL is a checkpoint folder or a GGUF file; of a split, its first file. Where there is none of that name, ORG/NAME, with
@REVISION or :FILE.gguf behind it, is a model in the cache of the Hugging Face hub. Flags may stand before or after the verb and
its arguments.

EXIT STATUS:
   0 done                    4 bad input (file, checkpoint)
   1 a check failed          5 cannot do this here (disk, memory)
   2 usage                  70 a bug in carat
   3 inconclusive          130 interrupted

ENVIRONMENT:
   CARAT_THREADS  number of threads, unless --threads is given
   CARAT_CPU      generic, avx2, avxvnni, avx512, amx or neon: use no newer instructions than these
   CARAT_CACHE    folder of stored verdicts, unless --cache is given
   CARAT_CONFIG   file with defaults of flags, or none; see carat help config
   CARAT_API_KEY  key that serve asks for, unless --api-key is given
   NO_COLOR       print no colours`

// verbs lists the commands, one file each, by category. A new verb is a new file and a line here.
func verbs() []*cli.Command {
	var out []*cli.Command
	for _, category := range []struct {
		name  string
		verbs []*cli.Command
	}{
		{"MAKE A MODEL", []*cli.Command{buildCommand(), convertCommand(), quantizeCommand(), planCommand(), imatrixCommand()}},
		{"MEASURE IT", []*cli.Command{evalCommand(), compareCommand(), sweepCommand(), gateCommand(), reportCommand(), tasksCommand(), benchCommand(), overlapCommand()}},
		{"USE IT", []*cli.Command{runCommand(), serveCommand(), embedCommand(), rankCommand(), exportCommand()}},
		{"MODEL FILES", []*cli.Command{pullCommand(), pushCommand(), inspectCommand(), verifyCommand(), diffCommand(), hashCommand(), splitCommand(), mergeCommand(), editCommand()}},
		{"CARAT ITSELF", []*cli.Command{listCommand(), cacheCommand(), completionCommand(), helpCommand(), versionCommand()}},
	} {
		for _, c := range category.verbs {
			c.Category = category.name
			out = append(out, c)
		}
	}
	return out
}

func newApp(s streams) *cli.App {
	app := &cli.App{
		Name:                      "carat",
		Usage:                     "convert, quantize and measure language models",
		UsageText:                 "carat VERB MODEL [flags]     carat VERB --help",
		Description:               about,
		Version:                   buildinfo.Version(),
		Commands:                  verbs(),
		Flags:                     append(globalFlags(), cli.HelpFlag), // cli adds it only where no verb is called help
		Reader:                    s.in,
		Writer:                    s.out,
		ErrWriter:                 s.err,
		DisableSliceFlagSeparator: true, // --tensor-type 'a{1,2}=q8_0' holds a comma
		HideHelpCommand:           true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides the exit code, after every defer
		Action:                    func(c *cli.Context) error { return showHelp(c) },
	}
	for _, c := range app.Commands {
		c.Flags = append(c.Flags, globalFlags()...)
		c.HideHelpCommand = true
		c.UseShortOptionHandling = false
		c.Before = func(c *cli.Context) error {
			if l, ok := c.App.Metadata[lineKey].(*line); ok && l.unfound != nil {
				return l.unfound
			}
			if err := checkIdle(c); err != nil {
				return err
			}
			return checkSourceFlags(c)
		}
	}
	return app
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	out := &checkedOutput{w: s.out}
	s.in, s.out, s.err = &standardInput{r: s.in}, out, uncheckedOutput{s.err}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(s.err, "carat: internal error: %v\n%s\nPlease report this.\n", r, debug.Stack())
			code = exitBug
		}
	}()
	if err := cpu.CheckEnv(); err != nil {
		return reportError(s.err, args, usagef("%v", err))
	}
	if err := out.verdict(parseAndRun(ctx, newApp(s), args)); err != nil {
		return reportError(s.err, args, err)
	}
	return 0
}

// parseAndRun runs the verb of a command line.
func parseAndRun(ctx context.Context, app *cli.App, args []string) error {
	if len(args) > 1 && args[1] == completeVerb {
		return printCompletions(app.Writer, app, args[2:])
	}
	l := parseLine(app, args)
	if l.verb == nil && len(l.rest) > 0 {
		return unknownVerb(app, l)
	}
	if err := l.repeated(); err != nil {
		return err
	}
	if err := l.withDefaults(app); err != nil {
		return err
	}
	if l.on(cli.HelpFlag.Names()...) && l.on("json") {
		return helpJSON(app, l.verb)
	}
	l.unfound = l.findModels()
	app.Metadata = map[string]any{lineKey: l}
	app.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return wrongFlag(app, l, err) }
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
	}
	return l.blame(app.RunContext(ctx, l.arguments()))
}

// lineKey is where an app's Metadata holds the *line that it runs.
const lineKey = "line"

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
