package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func benchCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "measure speed, memory and energy, or compare the speed of two models",
		ArgsUsage: "MODEL [MODEL]",
		Description: `ppN is a prompt of N tokens in one batch, tgN is N tokens one after the other, as in llama-bench; -p, -n and -d
take lists. The median of the repetitions is the figure to quote; a wide range between min and max means that the
machine was busy. Energy is that of tgN where RAPL counters are readable (Linux, usually as root).

Given two models, the decoding of -n tokens (or the prompt of -p, with -n 0) is timed in turns, A B B A in each of
--rounds rounds, and A against itself in between: a difference smaller than what A shows against itself does not count.
--noise makes that check for one model.

EXAMPLES:
   carat bench smollm2-Q4_K_M.gguf
   carat bench smollm2-Q4_K_M.gguf -p 128,512 -n 32 -d 0,1024 -r 10 --json
   carat bench smollm2-Q4_K_M.gguf -p 0 -n 0 -pg 512,128 -o md
   carat bench smollm2-Q4_K_M.gguf -n 32 --noise
   carat bench smollm2-Q4_K_M.gguf smollm2-Q5_K_M.gguf -n 32
   carat bench smollm2-Q4_K_M.gguf -o benchstat > old.txt`,
		Flags: append(group(measureGroup,
			&cli.StringFlag{Name: "p", Value: "512", Usage: "`N,...` prompt lengths to test; 0 for none"},
			&cli.StringFlag{Name: "n", Value: "128", Usage: "`N,...` numbers of tokens to decode; 0 for none"},
			&cli.StringSliceFlag{Name: "pg", Usage: "`P,N` test a prompt of P tokens followed by decoding N"},
			&cli.StringFlag{Name: "d", Value: "0", Usage: "`N,...` numbers of tokens already in the KV cache"},
			&cli.IntFlag{Name: "r", Value: 5, Usage: "`N` number of repetitions"},
			&cli.BoolFlag{Name: "no-load", Usage: "do not measure the time to load"},
			&cli.BoolFlag{Name: "noise", Usage: "also compare the model with itself: the smallest difference that can be judged here"},
			&cli.IntFlag{Name: "rounds", Value: latency.MinRounds, Usage: "`N` number of rounds of a comparison"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputGroup, Usage: "`FORMAT` print a table, md, csv, json, jsonl or benchstat", Value: "table"}), append(computeFlags(kernel.Fast), preFlag()...)...),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			o, err := parseBenchOptions(c)
			if err != nil {
				return err
			}
			g.json = g.json || o.Output == "json"
			switch c.NArg() {
			case 1:
				return runBench(c.Context, s, g, c.Args().First(), sourceOptions(c), o)
			case 2:
				return runBenchCompare(c.Context, s, g, c.Args().Slice(), sourceOptions(c), o)
			}
			return usagef("bench takes one MODEL, or two to compare (got %d: %q); see carat bench --help", c.NArg(), c.Args().Slice())
		},
	}
}

// maxRepetitions keeps what is measured in memory small.
const maxRepetitions = 100_000

type benchOptions struct {
	Tests       []latency.Spec
	Repetitions int
	Load, Noise bool
	Energy      bool
	Compared    latency.Spec // of --noise and of two models
	Rounds      int
	Output      string
}

func parseBenchOptions(c *cli.Context) (o benchOptions, err error) {
	o = benchOptions{Repetitions: c.Int("r"), Load: !c.Bool("no-load"), Energy: true, Noise: c.Bool("noise"), Rounds: c.Int("rounds"), Output: c.String("output")}
	var lists [3][]int
	for i, name := range []string{"p", "n", "d"} {
		if lists[i], err = counts("-"+name, c.String(name)); err != nil {
			return o, err
		}
	}
	var pairs []latency.Spec
	for _, v := range c.StringSlice("pg") {
		n, err := counts("--pg", v)
		if err != nil {
			return o, err
		}
		if len(n) != 2 {
			return o, usagef("--pg must be two numbers, tokens of prompt and tokens to decode, such as 512,128 (got %q)", v)
		}
		pairs = append(pairs, latency.Spec{Prompt: n[0], Generate: n[1]})
	}
	o.Tests = latency.Grid(lists[0], lists[1], pairs, lists[2])
	switch {
	case len(o.Tests) == 0:
		return o, usagef("nothing to measure: bench needs at least one of -p, -n and --pg")
	case o.Repetitions < 1 || o.Repetitions > maxRepetitions:
		return o, usagef("-r must be between 1 and %d (got %d)", maxRepetitions, o.Repetitions)
	case o.Rounds < latency.MinRounds || o.Rounds > maxRepetitions:
		return o, usagef("--rounds must be between %d, which an interval needs, and %d (got %d)", latency.MinRounds, maxRepetitions, o.Rounds)
	case c.Bool("json") && c.IsSet("output") && o.Output != "json":
		return o, usagef("--json and -o %s are two forms of the same figures: give one of them", o.Output)
	case !slices.Contains([]string{"table", "json"}, o.Output) && !slices.Contains(latency.Formats, latency.Format(o.Output)):
		return o, hint.Wrap(usagef("%s", suggest.OneOf("-o format", o.Output, []string{"table", "md", "csv", "json", "jsonl", "benchstat"})), "-o names the format; to write a file: -o md > bench.md")
	}
	o.Compared = o.Tests[0]
	if i := slices.IndexFunc(o.Tests, func(s latency.Spec) bool { return s.Prompt == 0 }); i >= 0 {
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

// room is the tokens that a session must hold.
func (o benchOptions) room() int {
	n := 0
	for _, s := range o.Tests {
		n = max(n, s.Room())
	}
	return n
}
