package main

import (
	"os"
	"strconv"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// globalFlags are accepted by every verb.
func globalFlags() []cli.Flag {
	return group(globalGroup,
		&cli.IntFlag{Name: "threads", Usage: "`N` worker threads; 0, the default, means one per physical core"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object on stdout and nothing else there"},
		&cli.BoolFlag{Name: "quiet", Usage: "print no tables and no progress"},
		&cli.StringFlag{Name: "log-format", Value: "text", Usage: "`text|json` format of messages on stderr"},
		&cli.BoolFlag{Name: "no-progress", Usage: "show no progress bar, even on a terminal"},
	)
}

// global is what every verb works with: the standard files, and the values of globalFlags.
type global struct {
	streams
	verb       string
	threads    int
	json       bool
	quiet      bool
	noProgress bool
	computing  computing    // exact, with verbs that have no choice
	note       func(string) // says a sentence on stderr, once
	piped      bool         // a file that a flag names is standard output: what is printed for people is not
}

func globals(c *cli.Context) (global, error) {
	g := global{streams: streamsOf(c), verb: c.Command.Name, threads: c.Int("threads"), json: c.Bool("json"), quiet: c.Bool("quiet"), noProgress: c.Bool("no-progress"), note: noter(c.App.ErrWriter, c.Bool("quiet"))}
	if f := c.String("log-format"); f != "text" && f != "json" {
		return g, usagef("%s", suggest.OneOf("--log-format", f, []string{"text", "json"}))
	}
	var err error
	if g.piped, err = checkFiles(c); err != nil {
		return g, err
	}
	if g.computing, err = computingOf(c); err != nil {
		return g, err
	}
	if !c.IsSet("threads") {
		if v := os.Getenv("CARAT_THREADS"); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				return g, usagef("CARAT_THREADS must be a number (got %q)", v)
			}
			g.threads = n
		}
	}
	if g.threads < 0 || g.threads > 1024 {
		return g, outOfRange("--threads", 0, 1024, g.threads)
	}
	if g.threads == 0 {
		g.threads = cpu.Threads()
	}
	return g, nil
}

// streamsOf are the standard files of the app that c belongs to.
func streamsOf(c *cli.Context) streams { return streams{c.App.Reader, c.App.Writer, c.App.ErrWriter} }
