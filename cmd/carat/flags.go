package main

import (
	"os"
	"runtime"
	"strconv"

	"github.com/urfave/cli/v2"
)

// globalFlags are accepted by every verb.
func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "threads", Category: "GLOBAL", Usage: "worker threads; 0 means one per physical core"},
		&cli.BoolFlag{Name: "json", Category: "GLOBAL", Usage: "print one JSON object on stdout and nothing else there"},
		&cli.BoolFlag{Name: "quiet", Category: "GLOBAL", Usage: "print no table, no progress"},
		&cli.StringFlag{Name: "log-format", Category: "GLOBAL", Value: "text", Usage: "messages on stderr as `text|json`"},
		&cli.BoolFlag{Name: "no-progress", Category: "GLOBAL", Usage: "no progress bar, even on a terminal"},
	}
}

// global holds the values of globalFlags.
type global struct {
	threads    int
	json       bool
	quiet      bool
	noProgress bool
	note       func(string) // says a sentence on stderr, once
}

func globals(c *cli.Context) (global, error) {
	g := global{threads: c.Int("threads"), json: c.Bool("json"), quiet: c.Bool("quiet"), noProgress: c.Bool("no-progress"), note: noter(c.App.ErrWriter, c.Bool("quiet"))}
	if f := c.String("log-format"); f != "text" && f != "json" {
		return g, usagef("--log-format %q is neither text nor json", f)
	}
	if !c.IsSet("threads") {
		if v := os.Getenv("CARAT_THREADS"); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				return g, usagef("CARAT_THREADS=%q is not a number", v)
			}
			g.threads = n
		}
	}
	if g.threads < 0 || g.threads > 1024 {
		return g, usagef("--threads %d: from 0 (one per physical core) to 1024", g.threads)
	}
	if g.threads == 0 {
		g.threads = defaultThreads()
	}
	return g, nil
}

// defaultThreads is the number of physical cores this process may use: hyper-threads share the units
// that the kernels fill.
func defaultThreads() int {
	n := runtime.GOMAXPROCS(0)
	if p := physicalCores(); p > 0 && p < n {
		return p
	}
	return n
}
