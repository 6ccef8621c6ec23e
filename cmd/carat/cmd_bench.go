package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/urfave/cli/v2"
)

func benchCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "measure speed, memory and energy, or compare the speed of two models",
		ArgsUsage: "MODEL [MODEL]",
		Description: `ppN is a prompt of N tokens in one batch, tgN is N tokens one after the other, as in llama-bench; -p, -n and -d
take lists. The median of the repetitions is the figure to quote; a wide range between min and max says that the
machine was busy. Energy is that of tgN where RAPL counters are readable (Linux, usually root).

Of two models the decoding of -n tokens (or the prompt of -p, with -n 0) is timed turn by turn, A B B A in each of
--rounds rounds, and A against itself in between: a difference below what A shows against itself is none. --noise
makes that check of one model.

EXAMPLES:
   carat bench smollm2-Q4_K_M.gguf
   carat bench smollm2-Q4_K_M.gguf -p 128,512 -n 32 -d 0,1024 -r 10 --json
   carat bench smollm2-Q4_K_M.gguf -p 0 -n 0 -pg 512,128 -o md
   carat bench smollm2-Q4_K_M.gguf -n 32 --noise
   carat bench smollm2-Q4_K_M.gguf smollm2-Q5_K_M.gguf -n 32
   carat bench smollm2-Q4_K_M.gguf -o benchstat > old.txt`,
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "p", Value: "512", Usage: "`N,...` tokens of prompt, 0 for no such test"},
			&cli.StringFlag{Name: "n", Value: "128", Usage: "`N,...` tokens to decode, 0 for no such test"},
			&cli.StringSliceFlag{Name: "pg", Usage: "`P,N`: a prompt, then decoding, as one test"},
			&cli.StringFlag{Name: "d", Value: "0", Usage: "`N,...` tokens in the KV cache beforehand"},
			&cli.IntFlag{Name: "r", Value: 5, Usage: "repetitions"},
			&cli.BoolFlag{Name: "no-load", Usage: "do not measure the time to load"},
			&cli.BoolFlag{Name: "noise", Usage: "also compare the model with itself: no smaller difference can be judged here"},
			&cli.IntFlag{Name: "rounds", Value: latency.MinRounds, Usage: "rounds of a comparison"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "print as `table|md|csv|json|jsonl|benchstat`", Value: "table"}),
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
			return usagef("bench takes MODEL, or two to compare; got %d arguments %q", c.NArg(), c.Args().Slice())
		},
	}
}

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
		n, err := counts("-pg", v)
		if err != nil {
			return o, err
		}
		if len(n) != 2 {
			return o, usagef("-pg %s: two numbers are expected, tokens of prompt and tokens to decode", v)
		}
		pairs = append(pairs, latency.Spec{Prompt: n[0], Generate: n[1]})
	}
	o.Tests = latency.Grid(lists[0], lists[1], pairs, lists[2])
	switch {
	case len(o.Tests) == 0:
		return o, usagef("nothing to measure: give at least one of -p, -n and -pg")
	case o.Repetitions < 1:
		return o, usagef("-r %d: at least 1", o.Repetitions)
	case o.Rounds < latency.MinRounds:
		return o, usagef("--rounds %d: at least %d are needed for an interval", o.Rounds, latency.MinRounds)
	case !slices.Contains([]string{"table", "json"}, o.Output) && !slices.Contains(latency.Formats, latency.Format(o.Output)):
		return o, usagef("-o %q is none of table, md, csv, json, jsonl, benchstat (the figures go to stdout)", o.Output)
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
			return nil, usagef("%s %s: numbers of tokens are expected, from 0 to %d, with commas between", flag, list, 1<<20)
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

func runBench(ctx context.Context, s streams, g global, path string, src convert.Options, o benchOptions) error {
	var load *latency.Load
	var err error
	if o.Load { // before the model is mapped: mapped pages stay in the cache
		if load, err = benchLoad(g, path, src); err != nil {
			return err
		}
	}
	m, err := openModel(path, src)
	if err != nil {
		return err
	}
	defer m.Close()
	b := newBar(s.err, g, "measure")
	defer b.finish()
	r, err := benchModel(ctx, g, m, o, b)
	if err != nil {
		return err
	}
	b.finish()
	r.Model, r.Load = path, load
	return showBench(s, g, o, r, r)
}

// idle is how long the idle machine's energy is measured.
const idle = 2 * time.Second

// benchModel measures an open model; b, if not nil, shows the progress.
func benchModel(ctx context.Context, g global, m gguf.Model, o benchOptions, b *bar) (*latency.Result, error) {
	subject, mod, err := benchSubject(g, m, o.room())
	if err != nil {
		return nil, err
	}
	// In bytes of weights, as every bar of carat counts bytes.
	progress := func(done, total int) {
		if b != nil {
			b.update(int64(done)*subject.Work.Bytes, int64(total)*subject.Work.Bytes)
		}
	}
	var meter *latency.Meter
	if o.Energy {
		meter = latency.NewMeter(os.DirFS(latency.PowercapRoot))
	}
	if meter != nil {
		if err := meter.Idle(ctx, idle, latency.Wait); err != nil {
			return nil, err
		}
	}
	r, err := latency.Measure(ctx, *subject, latency.Options{Tests: o.Tests, Repetitions: o.Repetitions, Meter: meter, Progress: progress})
	if err != nil {
		return nil, err
	}
	r.CPU, r.Threads, r.MappedBytes = latency.CPUName(), g.threads, latency.MappedBytes(m)
	if o.Noise {
		again, err := anotherSession(mod, *subject, o.Compared)
		if err != nil {
			return nil, err
		}
		if r.Noise, err = latency.MeasureNoise(ctx, *subject, *again, latency.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: progress}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// benchSubject loads m with room for so many tokens.
func benchSubject(g global, m gguf.Model, room int) (*latency.Subject, *model.Model, error) {
	mod, _, err := loadModel(m, g)
	if err != nil {
		return nil, nil, err
	}
	sess, err := mod.NewSession(room)
	if err != nil {
		return nil, nil, err
	}
	return &latency.Subject{Session: sess, Vocab: mod.Vocab(), Work: latency.WorkOf(m)}, mod, nil
}

// anotherSession is the same model as if it were another.
func anotherSession(mod *model.Model, of latency.Subject, s latency.Spec) (*latency.Subject, error) {
	sess, err := mod.NewSession(s.Room())
	if err != nil {
		return nil, err
	}
	of.Session = sess
	return &of, nil
}

// benchLoad measures the time from opening path to the first token's logits.
func benchLoad(g global, path string, src convert.Options) (*latency.Load, error) {
	var files []string
	first := func() (err error) {
		m, err := openModel(path, src)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		subject, _, err := benchSubject(g, m, 1)
		if err != nil {
			return err
		}
		return subject.Session.Forward([]int32{0}, 0, make([]float32, subject.Vocab))
	}
	m, err := openModel(path, src)
	if err != nil {
		return nil, err
	}
	if f, ok := m.(*gguf.File); ok {
		files = f.Paths()
	} else {
		files, _ = filepath.Glob(filepath.Join(path, "*.safetensors"))
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	return latency.MeasureLoad(first, func() error { return latency.DropCache(files...) }, nil)
}

func runBenchCompare(ctx context.Context, s streams, g global, paths []string, src convert.Options, o benchOptions) error {
	var subjects []latency.Subject
	var again *latency.Subject
	var mapped [2]int64
	for i, p := range paths {
		m, err := openModel(p, src)
		if err != nil {
			return err
		}
		defer m.Close()
		subject, mod, err := benchSubject(g, m, o.Compared.Room())
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if i == 0 {
			if again, err = anotherSession(mod, *subject, o.Compared); err != nil {
				return err
			}
		}
		mapped[i] = latency.MappedBytes(m)
		subjects = append(subjects, *subject)
	}
	b := newBar(s.err, g, "compare")
	defer b.finish()
	c, err := latency.Compare(ctx, subjects[0], *again, subjects[1], latency.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: func(done, total int) {
		b.update(int64(done)*subjects[0].Work.Bytes, int64(total)*subjects[0].Work.Bytes)
	}})
	if err != nil {
		return err
	}
	b.finish()
	for i, r := range []*latency.Result{c.A, c.B} {
		r.Model, r.CPU, r.Threads, r.MappedBytes = paths[i], latency.CPUName(), g.threads, mapped[i]
	}
	return showBench(s, g, o, c, c.A, c.B)
}
