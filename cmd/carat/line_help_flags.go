package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagGroup is the heading a flag stands under.
func flagGroup(f cli.Flag) string {
	if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
		return c.GetCategory()
	}
	return globalGroup
}

// flagSyntax is how a flag is written: "-o, --output OUT.gguf".
func flagSyntax(f cli.Flag) string {
	var short, long []string
	for _, name := range f.Names() {
		if len(name) == 1 {
			short = append(short, dashed(name))
		} else {
			long = append(long, dashed(name))
		}
	}
	s := strings.Join(append(short, long...), ", ")
	if value, _ := flagDoc(f); value != "" {
		s += " " + value
	}
	return s
}

// dashed is a flag's name as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// flagUsage is what a flag does, with its default if that tells anything.
func flagUsage(f cli.Flag) string {
	_, usage := flagDoc(f)
	switch f := f.(type) {
	case *cli.StringSliceFlag:
		usage += " (repeatable)"
	case *cli.StringFlag:
		if f.Value != "0" {
			usage += defaultOf(f.Value, "")
		}
		for _, env := range f.EnvVars {
			usage += fmt.Sprintf(" [$%s]", env)
		}
	case *cli.IntFlag:
		usage += defaultOf(f.Value, 0)
	case *cli.Uint64Flag:
		usage += defaultOf(f.Value, 0)
	case *cli.Float64Flag:
		usage += defaultOf(f.Value, 0)
	}
	return usage
}

// defaultOf hides the zero, which stands for "not given".
func defaultOf[T comparable](v, zero T) string {
	if v == zero {
		return ""
	}
	return fmt.Sprintf(" (default: %v)", v)
}

// flagDoc cuts a flag's usage, which begins with the name of its value in back quotes, if it takes one.
func flagDoc(f cli.Flag) (value, usage string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "", ""
	}
	rest, quoted := strings.CutPrefix(d.GetUsage(), "`")
	if !quoted {
		return "", rest
	}
	value, usage, _ = strings.Cut(rest, "`")
	return value, strings.TrimSpace(usage)
}
