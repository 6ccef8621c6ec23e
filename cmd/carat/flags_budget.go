package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/urfave/cli/v2"
)

// budgetFlags choose types by what a file may cost.
func budgetFlags() []cli.Flag {
	return group(budgetGroup,
		&cli.StringFlag{Name: "target-size", Usage: "`SIZE` choose the types that keep the model closest to the original in a file of at most SIZE, such as 105M or 4.5G; by --calibration, or else the text that comes with carat"},
		&cli.Float64Flag{Name: "target-bpw", Usage: "`BITS` the same, with at most so many bits per weight"},
		&cli.StringFlag{Name: "fits", Aliases: []string{"target-ram"}, Usage: "`SIZE` the same, so that file, cache and intermediate results take at most SIZE of memory, such as 8GB"},
		&cli.IntFlag{Name: "fits-ctx", Value: fitsContext, Usage: "`TOKENS` the length of the text for which --fits counts the cache, of F16"},
		&cli.Float64Flag{Name: "max-kld", Usage: "`NATS` the smallest file whose expected KL divergence from the original is at most NATS, such as 0.02"},
		&cli.Float64Flag{Name: "min-tokens-per-second", Usage: "`N` beside one of these, only types with which this machine is expected to decode N tokens a second"},
		&cli.StringFlag{Name: "measurements", Usage: "`FILE.json` read what was measured for a budget before, or write it: another budget then takes no measuring"},
		&cli.StringFlag{Name: "pareto", Usage: "`FILE.html` (or .svg) draw the divergence that is expected of every size, beside presets"})
}

// saveFlag is that of verbs that write models.
func saveFlag() []cli.Flag {
	return group(outputGroup, &cli.StringFlag{Name: "save", Usage: "`FILE.yaml` write the plan as a recipe, for --recipe"})
}

// budgets are the flags of which one chooses types.
var budgets = []string{"target-size", "target-bpw", "fits", "max-kld"}

// setBudgets are those that are set.
func setBudgets(c *cli.Context) (set []string) {
	for _, name := range budgets {
		if c.IsSet(name) {
			set = append(set, name)
		}
	}
	return set
}

// fitsContext is the default of --fits-ctx.
const fitsContext = 4096

// budget is what budgetFlags say; zero says nothing.
type budget struct {
	bytes        int64   // of the file
	bits         float64 // per weight
	memory       int64   // of weights, cache and intermediate results
	context      int     // tokens of the cache
	need         *model.Need
	divergence   float64 // in nats
	rate         float64 // tokens a second, beside another budget
	measurements string  // the file
	pareto       string  // the file
}

func (b budget) set() bool { return b.bytes > 0 || b.bits > 0 || b.memory > 0 || b.divergence > 0 }

func budgetOf(c *cli.Context) (b budget, err error) {
	for name, bytes := range map[string]*int64{"target-size": &b.bytes, "fits": &b.memory} {
		if v := c.String(name); c.IsSet(name) {
			if *bytes, err = gguf.ParseSize(v); err != nil {
				return b, usagef("--%s: %w", name, err)
			}
		}
	}
	b.bits, b.context, b.measurements, b.pareto = c.Float64("target-bpw"), c.Int("fits-ctx"), c.String("measurements"), c.String("pareto")
	b.divergence, b.rate = c.Float64("max-kld"), c.Float64("min-tokens-per-second")
	set := setBudgets(c)
	switch {
	case c.IsSet("min-tokens-per-second") && !(b.rate > 0 && b.rate < 1e9):
		return b, usagef("--min-tokens-per-second must be above 0 (got %v)", b.rate)
	case b.rate > 0 && len(set) == 0:
		return b, usagef("--min-tokens-per-second has no effect without --%s", strings.Join(budgets, ", --"))
	case c.IsSet("max-kld") && !(b.divergence > 0 && b.divergence <= 10):
		return b, usagef("--max-kld must be a divergence in nats, above 0 and at most 10 (got %v)", b.divergence)
	case c.IsSet("target-bpw") && !(b.bits > 0 && b.bits < 17):
		return b, outOfRange("--target-bpw", 1, 16, b.bits)
	case b.memory > 0 && (b.context < 1 || b.context > 1<<24):
		return b, outOfRange("--fits-ctx", 1, 1<<24, b.context)
	case c.IsSet("fits-ctx") && b.memory == 0:
		return b, usagef("--fits-ctx has no effect without --fits")
	case b.pareto != "" && !slices.Contains([]string{".html", ".svg"}, strings.ToLower(filepath.Ext(b.pareto))):
		return b, usagef("--pareto draws .html or .svg (got %q)", b.pareto)
	case len(set) > 1:
		return b, usagef("--%s cannot be combined with --%s", set[0], set[1])
	case len(set) == 1 && (c.String("type") != "" || c.String("recipe") != ""):
		return b, usagef("--%s chooses the types: omit --type and --recipe", set[0])
	}
	return b, nil
}

// measuring refuses what has no effect at verbs that measure what a budget needs.
func (b budget) measuring() error {
	switch {
	case b.set():
	case b.measurements != "":
		return usagef("--measurements has no effect without --%s", strings.Join(budgets, ", --"))
	case b.pareto != "":
		return hint.Wrap(usagef("--pareto has no effect without --%s", strings.Join(budgets, ", --")), "carat plan draws it of the --measurements of an earlier run")
	}
	return nil
}

// fit finds what the model needs beside its weights, if it is to fit in memory.
func (b *budget) fit(src gguf.Model) error {
	if b.memory == 0 {
		return nil
	}
	need, err := model.NeedOf(src, b.context, gguf.F16)
	if err != nil {
		return err
	}
	b.need = &need
	if beside := need.Cache + need.Work; beside >= b.memory {
		return hint.Wrap(fmt.Errorf("%w: --fits: %s of cache for %d tokens and %s of intermediate results leave nothing of %s for weights", quantize.ErrOptions,
			display.Bytes(need.Cache), b.context, display.Bytes(need.Work), display.Bytes(b.memory)), "a smaller --fits-ctx needs a smaller cache")
	}
	return nil
}
