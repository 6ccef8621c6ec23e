package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// normalise moves every flag directly behind the verb and the positionals behind "--".
//
// cli/v2 stops at the first positional and takes all that follows as positionals: in
// `quantize in.gguf --type Q4_K_M` the type would silently be unset. Flags before the verb move too,
// so global flags need to be known to verbs only.
func normalise(app *cli.App, args []string) []string {
	if len(args) < 2 || slices.Contains(args, "--generate-bash-completion") {
		return args
	}
	var verb *cli.Command
	var flags, rest []string
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(a) > 1 && a[0] == '-':
			flags = append(flags, a)
			if !takesValue(app, verb, a) {
				continue
			}
			if i++; i == len(args) {
				// Its value is missing: leave it last, so that the parser says so.
				return append(head(args[0], verb), flags...)
			}
			flags = append(flags, args[i])
		case verb == nil && len(rest) == 0 && app.Command(a) != nil:
			verb = app.Command(a)
		default:
			rest = append(rest, a)
		}
	}
	out := append(head(args[0], verb), flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out
}

func head(program string, verb *cli.Command) []string {
	if verb == nil {
		return []string{program}
	}
	return []string{program, verb.Name}
}

// takesValue reports whether the flag written as arg is followed by its value. Before the verb is
// known only global flags can stand.
func takesValue(app *cli.App, verb *cli.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	flags := globalFlags()
	if verb != nil {
		flags = verb.Flags
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
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

// positional returns the verb's positional arguments, exactly n of them named by what.
func positional(c *cli.Context, n int, what string) ([]string, error) {
	if c.NArg() != n {
		return nil, usagef("%s takes %s, got %d arguments %q; see carat %s --help", c.Command.Name, what, c.NArg(), c.Args().Slice(), c.Command.Name)
	}
	return c.Args().Slice(), nil
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
