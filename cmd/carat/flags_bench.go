package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	benchrun "github.com/carat-llm/carat/eval/bench/run"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// benchConfig is what the tests of bench are run on: a model, how it is computed and with how many threads.
type benchConfig struct {
	path      string
	threads   int
	computing computing
}

// use is g for a configuration.
func (x benchConfig) use(g global) global {
	g.threads, g.computing = x.threads, x.computing
	return g
}

// describe fills in what r was measured with.
func (x benchConfig) describe(r *bench.Result) {
	r.Model, r.Threads = x.path, x.threads
	r.Compute, r.KVType = x.computing.compute.String(), x.computing.kv.String()
}

// benchConfigs are all combinations of models, threads and computations.
func benchConfigs(c *cli.Context, g global) ([]benchConfig, error) {
	threads := []int{g.threads}
	if list := c.String("t"); list != "" {
		if c.IsSet("threads") {
			return nil, usagef("-t and --threads both say how many threads: give one of them")
		}
		threads = nil
		for v := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n > 1024 {
				return nil, usagef("-t must be numbers of threads between 1 and 1024, separated by commas (got %q)", list)
			}
			threads = append(threads, n)
		}
	}
	var computings []computing
	for compute := range strings.SplitSeq(c.String("compute"), ",") {
		for kv := range strings.SplitSeq(c.String("kv-type"), ",") {
			x, err := newComputing(compute, kv)
			if err != nil {
				return nil, err
			}
			computings = append(computings, x)
		}
	}
	var all []benchConfig
	for _, path := range c.Args().Slice() {
		for _, n := range threads {
			for _, x := range computings {
				all = append(all, benchConfig{path, n, x})
			}
		}
	}
	return all, nil
}

// comparesTwo reports whether a command line of bench has two configurations and compares them.
func comparesTwo(c *cli.Context) bool { return benchCount(c) == 2 && !c.Bool("each") }

// comparesOtherThanTwo is when --each says nothing.
func comparesOtherThanTwo(c *cli.Context) bool { return benchCount(c) != 2 }

// benchCount is the number of configurations.
func benchCount(c *cli.Context) int {
	n := c.NArg()
	for _, list := range []string{"t", "compute", "kv-type"} {
		n *= 1 + strings.Count(c.String(list), ",")
	}
	return n
}

// comparesNothing leaves numbers out of range to those who read them.
func comparesNothing(c *cli.Context) bool {
	return !comparesTwo(c) && !c.Bool("noise") && c.Int("rounds") >= bench.MinRounds
}

// maxRepetitions keeps what is measured in memory small.
const maxRepetitions = 100_000

// benchOptions are bench's flags, but for the configurations.
type benchOptions struct {
	benchrun.Options
	Source convert.Options
	Load   bool
	Output string
}

func parseBenchOptions(c *cli.Context) (o benchOptions, err error) {
	o = benchOptions{Source: sourceOptions(c), Load: !c.Bool("no-load"), Output: c.String("output")}
	o.Options = benchrun.Options{Repetitions: c.Int("r"), Energy: true, Bandwidth: true, Noise: c.Bool("noise"), Rounds: c.Int("rounds")}
	var grid bench.Grid
	for _, l := range []struct {
		flag string
		list *[]int
	}{{"p", &grid.Prompts}, {"n", &grid.Generate}, {"d", &grid.Depths}, {"b", &grid.Batches}} {
		if *l.list, err = counts("-"+l.flag, c.String(l.flag)); err != nil {
			return o, err
		}
	}
	for _, v := range c.StringSlice("pg") {
		n, err := counts("--pg", v)
		if err != nil {
			return o, err
		}
		if len(n) != 2 {
			return o, usagef("--pg must be two numbers, tokens of prompt and tokens to decode, such as 512,128 (got %q)", v)
		}
		grid.Pairs = append(grid.Pairs, bench.Spec{Prompt: n[0], Generate: n[1]})
	}
	o.Tests = grid.Specs()
	switch {
	case len(o.Tests) == 0:
		return o, usagef("nothing to measure: bench needs at least one of -p, -n and --pg")
	case o.Repetitions < 1 || o.Repetitions > maxRepetitions:
		return o, usagef("-r must be between 1 and %d (got %d)", maxRepetitions, o.Repetitions)
	case o.Rounds < bench.MinRounds || o.Rounds > maxRepetitions:
		return o, usagef("--rounds must be between %d, which an interval needs, and %d (got %d)", bench.MinRounds, maxRepetitions, o.Rounds)
	case c.Bool("json") && c.IsSet("output") && o.Output != "json":
		return o, usagef("--json and -o %s are two forms of the same figures: give one of them", o.Output)
	case !slices.Contains([]string{"table", "json"}, o.Output) && !slices.Contains(bench.Formats, bench.Format(o.Output)):
		return o, hint.Wrap(usagef("%s", suggest.OneOf("-o format", o.Output, []string{"table", "md", "csv", "json", "jsonl", "benchstat"})), "-o names the format; to write a file: -o md > bench.md")
	}
	o.Compared = o.Tests[0]
	if i := slices.IndexFunc(o.Tests, func(s bench.Spec) bool { return s.Prompt == 0 }); i >= 0 {
		o.Compared = o.Tests[i]
	}
	return o, nil
}

// counts reads "128,512".
func counts(flag, list string) ([]int, error) {
	var out []int
	for v := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 1<<20 {
			return nil, usagef("%s must be numbers of tokens between 0 and %d, separated by commas (got %q)", flag, 1<<20, list)
		}
		out = append(out, n)
	}
	return out, nil
}
