package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// line is a command line, sorted.
//
// cli/v2 stops at the first positional argument and takes all that follows as positionals: in
// `quantize in.gguf --type Q4_K_M` the type would silently be unset. So flags are moved directly behind the verb,
// and positionals behind "--". Flags before the verb move too: global flags need to be known to verbs only.
type line struct {
	program     string
	verb        *cli.Command // nil when there is none, or an unknown one, which is rest[0] then
	flags, rest []string
	behind      []string // all arguments but the verb, as they were given
	defaulted   []string // flags that files give (defaults.go)
	unfound     error    // why a model of the hub has no path
}

func parseLine(app *cli.App, args []string) *line {
	at, verb := findVerb(app, args)
	l := &line{program: args[0], verb: verb, behind: slices.Clone(args[1:])}
	if at < len(args) {
		l.behind = slices.Delete(l.behind, at-1, at)
	}
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			l.rest = append(l.rest, args[i+1:]...)
			i = len(args)
		case isFlag(a):
			l.flags = append(l.flags, a)
			// A value that is missing leaves the flag last, so that the parser says so.
			if i+1 < len(args) && !strings.Contains(a, "=") && takesValue(findFlag(verb, a)) {
				i++
				l.flags = append(l.flags, args[i])
			}
		case i == at && verb != nil:
		default:
			l.rest = append(l.rest, a)
		}
	}
	return l
}

// arguments are what the parser gets.
func (l *line) arguments() []string {
	out := []string{l.program}
	if l.verb != nil {
		out = append(out, l.verb.Name)
	}
	out = append(append(out, l.defaulted...), l.flags...)
	if last := len(l.flags) - 1; last >= 0 && isFlag(l.flags[last]) && !strings.Contains(l.flags[last], "=") && takesValue(findFlag(l.verb, l.flags[last])) {
		return out // "--" would become its value
	}
	if len(l.rest) > 0 {
		out = append(append(out, "--"), l.rest...)
	}
	return out
}

// on reports whether a switch, by any of its names, is given and not false.
func (l *line) on(names ...string) bool {
	for i := 0; i < len(l.flags); i++ {
		name, value, valued := strings.Cut(strings.TrimLeft(l.flags[i], "-"), "=")
		if slices.Contains(names, name) && (!valued || value == "true") {
			return true
		}
		if !valued && takesValue(findFlag(l.verb, l.flags[i])) {
			i++ // the value may look like a switch
		}
	}
	return false
}

// findVerb returns the place of the first argument that is neither a flag nor the value of one, and the verb of that
// name, if there is one. Flags before the verb may be its own: only then it is known whether they take a value.
func findVerb(app *cli.App, args []string) (int, *cli.Command) {
	maybeValue := -1
	for i := 1; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			break
		}
		if isFlag(a) {
			if strings.Contains(a, "=") {
				continue
			}
			switch f := findFlag(nil, a); {
			case takesValue(f):
				i++
			case f == nil:
				maybeValue = i + 1
			}
			continue
		}
		if c := app.Command(a); c != nil {
			return i, c
		}
		if i != maybeValue {
			return i, nil
		}
	}
	return len(args), nil
}

func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// findFlag returns the flag written as arg, with its dashes and value or without, of a verb; without a verb only
// global flags are known.
func findFlag(verb *cli.Command, arg string) cli.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	flags := globalFlags()
	if verb != nil {
		flags = verb.Flags
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// takesValue reports whether a flag is followed by its value.
func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// hasFlag looks for --name value or --name=value, for what must be known before parsing succeeds.
func hasFlag(args []string, name, value string) bool {
	for i, a := range args {
		k, v, ok := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if k == name && strings.HasPrefix(a, "-") && (ok && v == value || !ok && i+1 < len(args) && args[i+1] == value) {
			return true
		}
	}
	return false
}

// opening is what most verbs begin with: the global flags, and the one positional argument, named by what.
func opening(c *cli.Context, what string) (g global, arg string, err error) {
	if g, err = globals(c); err != nil {
		return g, "", err
	}
	args, err := positional(c, 1, what)
	if err != nil {
		return g, "", err
	}
	return g, args[0], nil
}
