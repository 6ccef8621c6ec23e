package main

import (
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
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
