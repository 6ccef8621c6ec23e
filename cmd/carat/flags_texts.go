package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/urfave/cli/v2"
)

// fileFlag names a file of texts.
func fileFlag() cli.Flag {
	return &cli.StringFlag{Name: "file", Usage: "`FILE` texts, one a line; - for standard input"}
}

// openingTexts is what verbs begin with whose arguments are a model and texts.
func openingTexts(c *cli.Context) (g global, model string, err error) {
	if g, err = globals(c); err == nil && c.NArg() == 0 {
		_, err = positional(c, 1, "MODEL and texts")
	}
	return g, c.Args().First(), err
}

// lineTexts are the arguments behind the model, or the lines of --file or of standard input.
func lineTexts(c *cli.Context, in io.Reader) ([]string, error) {
	args, file := c.Args().Tail(), c.String("file")
	switch {
	case len(args) > 0 && file != "":
		return nil, usagef("--file %s and texts as arguments: give one of them", file)
	case len(args) > 0:
		return args, nil
	case file == "" && !stdinOf(in).piped():
		return nil, usagef("%s needs texts: as arguments, as lines of --file FILE, or as lines of standard input", c.Command.Name)
	case file == "":
		file = "-"
	}
	t, err := readText(in, file)
	if err != nil || t.Data == "" {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(t.Data, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	return lines, nil
}

// overTexts has run work through texts with the model at path, and shows how far it is. The model must not change meanwhile.
func overTexts(g global, path string, e *engine.Engine, run func(progress func(done, total int64)) error) error {
	b := newCounter(g, g.verb)
	err := run(b.update)
	b.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return gguf.Unchanged(e.Source())
}
