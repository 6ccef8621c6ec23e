package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// unknownVerb answers a command line whose verb does not exist.
func unknownVerb(app *cli.App, l *line) error {
	verb := l.rest[0]
	key := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(verb), "_", "-"), "llama-")
	if text, ok := notYet[key]; ok {
		return hint.Wrap(usagef("unknown verb %q; see carat --help", verb), "%s", text)
	}
	known := app.Command(verbHabits[key])
	if known == nil {
		known = app.Command(key) // llama-bench
	}
	if known != nil {
		err := usagef("unknown verb %q; did you mean %s? see carat %s --help", verb, known.Name, known.Name)
		return hinted(err, rightForm(known, l.behind, true))
	}
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	near := suggest.DidYouMean(verb, names)
	if near == "" && (strings.HasSuffix(verb, ".gguf") || strings.ContainsRune(verb, os.PathSeparator) || exists(verb)) {
		return hint.Wrap(usagef("unknown verb %q; see carat --help", verb), "the verb comes first, for example: carat inspect %s", quoted(verb))
	}
	return usagef("unknown verb %q%s", verb, seeHelp(near, "carat --help"))
}

// wrongFlag rewrites what the standard library's flag parser says about the arguments of l.
func wrongFlag(app *cli.App, l *line, err error) error {
	help, flags := "carat --help", app.Flags
	if l.verb != nil {
		help, flags = "carat "+l.verb.Name+" --help", l.verb.Flags
	}
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: -"); ok {
		return unknownFlag(l, name, help, flags)
	}
	if name, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		return usagef("%s needs a value; see %s", dashed(name), help)
	}
	// invalid value "x" for flag -ctx: parse error; invalid boolean value "x" for -json: parse error
	if _, rest, ok := strings.Cut(msg, `invalid `); ok {
		before, after, ok := strings.Cut(rest, `" for `)
		_, value, ok2 := strings.Cut(before, `value "`)
		name, why, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(after, "flag "), "-"), ": ")
		if ok && ok2 {
			if strings.Contains(why, "out of range") {
				return usagef("%s is out of range (got %s)", dashed(name), value)
			}
			return usagef("%s must be %s (got %q); see %s", dashed(name), valueKind(flags, name), value, help)
		}
	}
	return usagef("%v; see %s", err, help)
}

func unknownFlag(l *line, name, help string, flags []cli.Flag) error {
	fixed := ""
	if l.verb != nil {
		fixed = rightForm(l.verb, l.behind, false)
	}
	var near []string
	if habit := flagHabits[name]; len(habit) > 0 && l.verb != nil {
		if habit[0] == "" {
			return hinted(usagef("unknown flag %s: the model is given without a flag; see %s", dashed(name), help), fixed)
		}
		for _, h := range habit {
			if f := findFlag(l.verb, h); f != nil {
				near = append(near, dashed(h))
				break
			}
		}
	}
	if len(near) == 0 && len(name) > 1 {
		var names []string
		for _, f := range flags {
			for _, n := range f.Names() {
				if len(n) > 1 {
					names = append(names, n)
				}
			}
		}
		for _, n := range suggest.Nearest(name, names, 3) {
			near = append(near, dashed(n))
		}
	}
	if len(near) > 0 {
		return hinted(usagef("unknown flag %s; did you mean %s? see %s", dashed(name), suggest.Or(near), help), fixed)
	}
	return hinted(usagef("unknown flag %s; see %s", dashed(name), help), fixed)
}

// hinted adds the right form of a command line, if there is one.
func hinted(err error, line string) error {
	if line == "" {
		return err
	}
	return hint.Wrap(err, "%s", line)
}

// seeHelp ends a message with where to read on; near is "" or ends in a question mark.
func seeHelp(near, where string) string {
	if near == "" {
		return "; see " + where
	}
	return near + " see " + where
}

// valueKind says what a flag's value must be.
func valueKind(flags []cli.Flag, name string) string {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n != name {
				continue
			}
			switch f.(type) {
			case *cli.BoolFlag:
				return "true or false"
			case *cli.Float64Flag:
				return "a number"
			case *cli.IntFlag, *cli.Uint64Flag:
				return "a whole number"
			}
		}
	}
	return "valid"
}

// positional returns the verb's positional arguments, exactly n of them named by what.
func positional(c *cli.Context, n int, what string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) == n {
		return args, nil
	}
	got := "none"
	switch {
	case len(args) == 1 && n == 0:
		got = fmt.Sprintf("%q", args[0])
	case len(args) == 1:
		got = fmt.Sprintf("only %q", args[0])
	case len(args) > 1:
		got = fmt.Sprintf("%d arguments %q", len(args), args)
	}
	err := usagef("%s takes %s (got %s); see carat %s --help", c.Command.Name, what, got, c.Command.Name)
	var l *line
	if l, _ = c.App.Metadata[lineKey].(*line); l == nil || len(args) < n {
		return nil, err
	}
	return nil, hinted(err, rightForm(c.Command, l.behind, false))
}
