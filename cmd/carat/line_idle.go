package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// idleRule says with what some flags of a verb change nothing. Flags that change nothing on any command line are refused
// where they are read; these depend on others.
type idleRule struct {
	verb  string
	flags []string // nil for all but the global ones
	idle  func(*cli.Context) bool
	why   string
}

var idleRules = []idleRule{
	{"inspect", []string{"hash", "tensors"}, isGiven("key"), "--key shows one value"},
	{"imatrix", []string{"text", "ctx", "chunks", "process-output", "save-every", "resume", "output", "format", "compute", "kv-type"}, isSet("stats"), "--stats only describes the file"},
	{"imatrix", []string{"text", "chunks", "process-output", "save-every", "resume", "compute", "kv-type"}, isSet("merge"), "--merge adds up files that are there"},
	{"build", []string{"ctx", "chunks"}, measuresNothing, "without --eval nothing is measured"},
	{"build", []string{"no-proof"}, calibratesNothing, "only files that are calibrated are compared with a preset"},
	{"build", []string{"allow-overlap"}, unset("eval"), "without --eval there is nothing to compare the calibration text with"},
	{"build", []string{"allow-overlap"}, calibratesNothing, "there is no calibration text"},
	{"convert", []string{"split-max-size", "split-max-tensors", "lora", "base", "stream"}, isSet("vocab-only"), "--vocab-only writes no tensors"},
	{"convert", []string{"lora", "pre", "stream"}, isGiven("base"), "--base writes the adapter by itself"},
	{"convert", notHF, toHF, "--to hf writes a checkpoint folder of a GGUF file"},
	{"gate", []string{"cache"}, isSet("no-cache"), "--no-cache uses none"},
	{"gate", nil, isSet("print-policy"), "--print-policy prints the built-in policy"},
	{"run", []string{"xtc-threshold"}, unset("xtc-probability"), "without --xtc-probability XTC takes nothing away"},
	{"run", []string{"repeat-last-n"}, unpenalised, "there is no penalty: give --repeat-penalty, --presence-penalty or --frequency-penalty"},
	{"run", []string{"dry-base", "dry-allowed-length", "dry-penalty-last-n", "dry-sequence-breaker"}, unset("dry-multiplier"), "without --dry-multiplier there is no penalty"},
	{"serve", []string{"xtc-threshold"}, unset("xtc-probability"), "without --xtc-probability XTC takes nothing away"},
	{"serve", []string{"dry-base", "dry-allowed-length", "dry-penalty-last-n", "dry-sequence-breaker"}, unset("dry-multiplier"), "without --dry-multiplier there is no penalty"},
	{"tasks", nil, isSet("list"), "--list lists all tasks"},
	{"tasks", []string{"max-tokens"}, noTask("gsm8k"), "only gsm8k generates answers"},
	{"tasks", []string{"select"}, unset("limit"), "without --limit all items are used"},
	{"bench", []string{"r", "no-load", "noise"}, comparesTwo, "two are compared turn by turn, for --rounds; --each measures them over the grid"},
	{"bench", []string{"rounds"}, comparesNothing, "nothing is compared: give two models, or --noise"},
	{"bench", []string{"each"}, comparesOtherThanTwo, "only two are compared"},
	{"eval", []string{"text-field", "slice-field"}, noLines, "no --text is a .jsonl file"},
	{"compare", []string{"text-field", "slice-field"}, noLines, "no --text is a .jsonl file"},
	{"sweep", []string{"text-field", "slice-field"}, noLines, "no --text is a .jsonl file"},
}

func isSet(flag string) func(*cli.Context) bool {
	return func(c *cli.Context) bool { return c.Bool(flag) }
}

func isGiven(flag string) func(*cli.Context) bool {
	return func(c *cli.Context) bool { return c.IsSet(flag) }
}

func unset(flag string) func(*cli.Context) bool {
	return func(c *cli.Context) bool { return !c.IsSet(flag) }
}

// calibratesNothing: a budget calibrates by carat's own text where none is named.
func calibratesNothing(c *cli.Context) bool {
	return !c.IsSet("calibration") && len(setBudgets(c)) == 0
}

// measuresNothing: what is calibrated by carat's own text is measured on the part of that which is held out.
func measuresNothing(c *cli.Context) bool {
	own := !calibratesNothing(c) && (!c.IsSet("calibration") || ownText(c.StringSlice("calibration")))
	return !c.IsSet("eval") && (!own || c.Bool("no-proof"))
}

func unpenalised(c *cli.Context) bool {
	return !c.IsSet("repeat-penalty") && !c.IsSet("presence-penalty") && !c.IsSet("frequency-penalty")
}

func noTask(name string) func(*cli.Context) bool {
	return func(c *cli.Context) bool {
		return !slices.ContainsFunc(c.StringSlice("task"), func(t string) bool { t, _, _ = strings.Cut(t, "="); return t == name })
	}
}

func noLines(c *cli.Context) bool {
	return c.IsSet("text") && !slices.ContainsFunc(c.StringSlice("text"), func(t string) bool {
		_, path := namedFile(t)
		return strings.EqualFold(filepath.Ext(path), ".jsonl")
	})
}

// checkIdle refuses flags that change nothing beside the others.
func checkIdle(c *cli.Context) error {
	for _, r := range idleRules {
		if r.verb != c.Command.Name || !r.idle(c) {
			continue
		}
		for _, f := range c.Command.Flags {
			name := f.Names()[0]
			named := slices.Contains(r.flags, name) || r.flags == nil && !isGlobal(name) && !strings.HasPrefix(r.why, dashed(name)+" ")
			if named && given(c, name) {
				return usagef("%s has no effect: %s", flagName(name), r.why)
			}
		}
	}
	return nil
}

// isGlobal reports whether every verb has the flag.
func isGlobal(name string) bool {
	return name == "help" || slices.ContainsFunc(globalFlags(), func(f cli.Flag) bool { return f.Names()[0] == name })
}

// given reports whether a flag is on the command line; the environment may set it, too.
func given(c *cli.Context, name string) bool {
	l, ok := c.App.Metadata[lineKey].(*line)
	return ok && slices.ContainsFunc(l.flags, func(arg string) bool {
		f := findFlag(l.verb, arg)
		return isFlag(arg) && f != nil && f.Names()[0] == name
	})
}
