package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/measure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/urfave/cli/v2"
)

func compareCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "evaluate several models over the same text and say which differ",
		ArgsUsage: "MODEL MODEL...",
		Description: `All models run side by side over the same chunks, against one pass of the reference. What they differ in is judged
chunk by chunk, which needs far less text than comparing their averages: a difference is called one only when it is
significant at 5 % after Holm's correction for all pairs. Controls are models that are there to compare with; they
make the ladder that "effective bits" are read from.

EXAMPLES:
   carat compare q4_k_m.gguf iq4_xs.gguf --reference ./SmolLM2-135M --text wiki.txt
   carat compare mine-*.gguf --control q3_k_m.gguf --control q4_k_m.gguf --control q5_k_m.gguf \
       --reference ./SmolLM2-135M --text wiki.txt --html compare.html --speed`,
		Flags: append(append(append(sourceFlags(), measureFlags()...), comparisonFlags()...), pageFlags()...),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			paths := c.Args().Slice()
			controls := c.StringSlice("control")
			if len(paths) == 0 || len(paths)+len(controls) < 2 {
				return usagef("compare takes two models or more, got %q; see carat compare --help", paths)
			}
			o, err := measureOptionsOf(c)
			if err != nil {
				return err
			}
			if len(o.Texts) == 0 {
				return usagef("compare needs --text FILE")
			}
			ms := models{g: g, src: sourceOptions(c)}
			defer ms.close()
			var all []candidateFile
			for _, p := range paths {
				all = append(all, candidateFile{path: p})
			}
			for _, p := range controls {
				all = append(all, candidateFile{path: p, role: "control"})
			}
			cmp := comparison{command: "compare", reference: c.String("reference"), candidates: all, measure: o,
				extras: extrasOf(c), pages: pagesOf(c)}
			return cmp.run(c.Context, s, &ms)
		},
	}
}

// comparisonFlags are shared by compare and sweep.
func comparisonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "control", Usage: "`MODEL` to compare with, not a candidate itself; may be given several times"},
		&cli.BoolFlag{Name: "speed", Usage: "also measure load, prefill, decoding and memory"},
		&cli.BoolFlag{Name: "tensors", Usage: "also compare every tensor with the reference's"},
	}
}

// extras are what is measured beside predictions.
type extras struct{ speed, tensors bool }

func extrasOf(c *cli.Context) extras { return extras{c.Bool("speed"), c.Bool("tensors")} }

// add measures what is asked for of the models that job ran, and puts it into r.
func (x extras) add(ctx context.Context, s streams, g global, j *measure.Job, r *report.Report) error {
	for i := range j.Candidates {
		m := &j.Candidates[i]
		if x.tensors {
			var ref *measure.Model
			if ref = j.Reference; ref == nil {
				ref = &measure.Model{}
			}
			b := newBar(s.err, g, "tensors of "+m.ID.Name)
			t, err := measure.Tensors(ctx, m.Source, ref.Source, g.threads, b.update)
			b.finish()
			if err != nil {
				return err
			}
			r.Candidates[i].Tensors = t
		}
		if x.speed {
			b := newBar(s.err, g, "speed of "+m.ID.Name)
			l, err := benchModel(ctx, g, m.Source, shortBench(j.Options.Context), b)
			b.finish()
			if err != nil {
				return err
			}
			r.Candidates[i].Latency = l
		}
	}
	return nil
}

// candidateFile is a model to compare.
type candidateFile struct{ path, role string }

// comparison is compare's options, and sweep's once its files are made.
type comparison struct {
	command    string
	reference  string
	candidates []candidateFile
	measure    measureOptions
	extras     extras
	pages      pages
}

func (c *comparison) run(ctx context.Context, s streams, ms *models) error {
	if err := c.pages.check(); err != nil {
		return err
	}
	if err := writable("--report", c.measure.Report); err != nil {
		return err
	}
	j := measure.Job{Command: c.command, Options: c.measure.Eval, MaxTokens: c.measure.MaxTokens, UntilWidth: c.measure.UntilWidth}
	var err error
	if j.Texts, err = c.measure.texts(); err != nil {
		return err
	}
	for _, f := range c.candidates {
		m, err := ms.load(f.path, f.role, j.Options.Context)
		if err != nil {
			return err
		}
		j.Candidates = append(j.Candidates, *m)
	}
	distinct(j.Candidates)
	if c.reference != "" {
		if j.Reference, err = ms.load(c.reference, "", j.Options.Context); err != nil {
			return err
		}
	}
	r, runErr := runJob(ctx, s, ms.g, &j, c.measure)
	var left *interruption
	if r == nil || runErr != nil && !errors.As(runErr, &left) {
		return runErr
	}
	if runErr == nil {
		if err := c.extras.add(ctx, s, ms.g, &j, r); err != nil {
			return err
		}
	}
	measure.Compare(r)
	return errors.Join(runErr, c.pages.write(s, ms.g, r, c.measure.Report))
}

// distinct gives candidates of the same base name different ones.
func distinct(c []measure.Model) {
	seen := map[string]int{}
	for i := range c {
		n := &c[i].ID.Name
		if seen[*n]++; seen[*n] > 1 {
			*n = fmt.Sprintf("%s (%d)", *n, seen[*n])
		}
	}
}

// shortBench is the latency that reports hold.
func shortBench(ctx int) benchOptions {
	return benchOptions{Tests: latency.Grid([]int{min(128, ctx)}, []int{min(32, ctx)}, nil, []int{0}), Repetitions: 5, Energy: true}
}
