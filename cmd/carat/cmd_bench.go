package main

import (
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/urfave/cli/v2"
)

const benchVerb = "bench"

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:      benchVerb,
		Usage:     "measure speed, memory and energy over a grid, or compare the speed of two models",
		ArgsUsage: "MODEL...",
		Description: `ppN is a prompt of N tokens, tgN is N tokens one after the other, as in llama-bench. -p, -n, -b and -d take lists,
and so do -t, --compute and --kv-type; all combinations are measured for each MODEL, one after the other. The median of
the repetitions is the figure to quote; a wide range between min and max means that the machine was busy. Decoding reads
every weight once a token: that rate stands beside what memory gives to as many threads just before and after, reading a
buffer of that size. Energy is that of tgN where RAPL counters are readable (Linux, usually as root).

Two of anything (two MODELs, or one with two of -t, --compute or --kv-type) are compared: the decoding of -n tokens (or
the prompt of -p, with -n 0) is timed in turns, A B B A in each of --rounds rounds, and A against itself in between: a
difference smaller than what A shows against itself is not judged. --each measures them over the grid instead; --noise
makes that check for one.

EXAMPLES:
   carat bench smollm2-Q4_K_M.gguf
   carat bench smollm2-Q4_K_M.gguf -p 128,512 -n 32 -d 0,1024 -r 10 --json
   carat bench smollm2-Q4_K_M.gguf -p 0 -n 0 -pg 512,128 -o md
   carat bench smollm2-Q4_K_M.gguf -p 512 -b 1,2,4,8,16,32,64,128,512 -n 0
   carat bench smollm2-Q4_K_M.gguf -t 1,2,4,8 --compute exact,fast
   carat bench smollm2-Q8_0.gguf smollm2-Q6_K.gguf smollm2-Q4_K_M.gguf -o csv
   carat bench smollm2-Q4_K_M.gguf -n 32 --noise
   carat bench smollm2-Q4_K_M.gguf smollm2-Q5_K_M.gguf -n 32
   carat bench smollm2-Q4_K_M.gguf -n 32 --compute exact,fast
   carat bench smollm2-Q4_K_M.gguf -o benchstat > old.txt`,
		Flags: slices.Concat(group(measureGroup,
			&cli.StringFlag{Name: "p", Value: "512", Usage: "`N,...` prompt lengths to test; 0 for none"},
			&cli.StringFlag{Name: "n", Value: "128", Usage: "`N,...` numbers of tokens to decode; 0 for none"},
			&cli.StringSliceFlag{Name: "pg", Usage: "`P,N` test a prompt of P tokens followed by decoding N"},
			&cli.StringFlag{Name: "b", Value: "0", Usage: "`N,...` tokens of a prompt evaluated at once; 0 for all"},
			&cli.StringFlag{Name: "d", Value: "0", Usage: "`N,...` numbers of tokens already in the KV cache"},
			&cli.StringFlag{Name: "t", Usage: "`N,...` numbers of threads to test (default: that of --threads)"},
			&cli.IntFlag{Name: "r", Value: 5, Usage: "`N` number of repetitions"},
			&cli.BoolFlag{Name: "no-load", Usage: "do not measure the time to load"}),
			group(compareGroup,
				&cli.BoolFlag{Name: "each", Usage: "measure two over the grid instead of comparing them"},
				&cli.BoolFlag{Name: "noise", Usage: "also compare the model with itself: the smallest difference that can be judged here"},
				&cli.IntFlag{Name: "rounds", Value: bench.MinRounds, Usage: "`N` number of rounds of a comparison"}),
			group(computeGroup,
				&cli.StringFlag{Name: "compute", Value: "fast", Usage: "`exact,fast` what the weights mean, the same bits with any number of threads; or as fast as the machine allows, with activations of 8 bits; or both"},
				&cli.StringFlag{Name: "kv-type", Value: "f32", Usage: "`" + strings.Join(kvTypes(), ",") + "` types of the key-value cache"}),
			group(outputGroup,
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT` print a table, md, csv, json, jsonl or benchstat", Value: "table"}),
			preFlag()),
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
			if c.NArg() == 0 {
				return usagef("bench takes one MODEL or several; see carat bench --help")
			}
			configs, err := benchConfigs(c, g)
			if err != nil {
				return err
			}
			if len(configs) == 2 && !c.Bool("each") {
				return runBenchCompare(c.Context, g, [2]benchConfig(configs), o)
			}
			return runBench(c.Context, g, configs, o)
		},
	}
}
