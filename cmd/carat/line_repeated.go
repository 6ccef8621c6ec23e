package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// repeated refuses a flag that takes one value and has two: cli/v2 takes the last without a word. The same value twice,
// as scripts that add to a command line give it, is no contradiction. An empty value would count as a missing flag, so
// that a file would not be written, or a reference not compared with, and nobody would know.
func (l *line) repeated() error {
	values := map[string]string{}
	for i := 0; i < len(l.flags); i++ {
		f := findFlag(l.verb, l.flags[i])
		if f == nil {
			continue // the parser says so
		}
		_, value, given := strings.Cut(l.flags[i], "=")
		switch {
		case given:
		case !takesValue(f):
			value = "true"
		case i+1 == len(l.flags):
			return nil // nor is there a value
		default:
			i++
			value = l.flags[i]
		}
		if value == "" && takesValue(f) && f.Names()[0] != "prompt" {
			return usagef("%s has an empty value (an unset shell variable?): give a value, or omit the flag", dashed(f.Names()[0]))
		}
		if d, ok := f.(cli.DocGenerationSliceFlag); ok && d.IsSliceFlag() {
			continue
		}
		name := f.Names()[0]
		if first, twice := values[name]; twice && first != value {
			return usagef("--%s is given twice, with %q and %q: it takes one value", name, first, value)
		}
		values[name] = value
	}
	return nil
}
