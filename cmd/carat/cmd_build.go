package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/urfave/cli/v2"
)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "convert, quantize and measure, in one go",
		ArgsUsage: "DIR",
		Description: `Reads a checkpoint folder once and writes the quantized file, without a file in between. The result equals that of
convert followed by quantize. With --eval the original and the result are then measured side by side on that text.

--calibration rounds the weights by what the layers see of a text, so that errors make good for each other: the file has
the same types and size, and is closer to the original. It takes about as long as evaluating the text three times.

EXAMPLES:
   carat build ./SmolLM2-135M --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --eval wiki.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --calibration calibration.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --target-size 105M --calibration calibration.txt -o smollm2.gguf
   carat build ./SmolLM2-135M --type Q3_K_S --dry-run
   carat build HuggingFaceTB/SmolLM2-1.7B --stream --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --for openvino,lmstudio -o smollm2-Q4_K_M.gguf`,
		Flags: slices.Concat(quantizeFlags(), budgetFlags(), calibrationFlags(), outputFlags(), splitFlags(), group(measureGroup,
			&cli.StringFlag{Name: "eval", Usage: "`FILE` text to measure original and result on"},
			&cli.IntFlag{Name: "ctx", Value: 512, Usage: "`TOKENS` tokens per chunk"},
			&cli.IntFlag{Name: "chunks", Usage: "`N` evaluate only the first N chunks"}), checkpointFlags(), sourceFlags(), streamFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "DIR")
			if err != nil {
				return err
			}
			out, err := output(c)
			if err != nil {
				return err
			}
			opts, err := quantizeOptions(c, g)
			if err != nil {
				return err
			}
			rec, err := newRecorder(c, arg, out)
			if err != nil {
				return err
			}
			ev := measureOptions{in: c.App.Reader, Eval: text.Options{Context: c.Int("ctx"), Chunks: c.Int("chunks")}}
			if f := c.String("eval"); f != "" {
				ev.Texts = []string{f}
			}
			if err := ev.check(); err != nil {
				return err
			}
			from, err := checkpointOptions(c)
			if err != nil {
				return err
			}
			cal, err := calibrationOf(c)
			if err != nil {
				return err
			}
			size, err := budgetOf(c)
			if err != nil {
				return err
			}
			if err := streamed(c, g, &arg, &from); err != nil {
				return err
			}
			return runBuild(c.Context, g, arg, out, from, opts, size, cal, ev, rec)
		},
	}
}

// buildMeasurement is the "eval" of build's JSON.
type buildMeasurement struct {
	*evaluation
	Speed  *bench.Result `json:"speed"`
	report *report.Report
}

func runBuild(ctx context.Context, g global, dir, out string, so convert.Options, opts quantize.Options, size budget, cal calibration, ev measureOptions, rec *recorder) error {
	// A text that is not there should not be found missing after the work.
	if _, err := ev.texts(); err != nil {
		return err
	}
	src, err := g.open(dir, so)
	if err != nil {
		return err
	}
	defer src.Close()
	opts.NoteClients = true
	defer cal.close()
	if opts, err = allocateTypes(ctx, g, dir, src, opts, size, &cal); err != nil {
		return err
	}
	plan, err := quantize.NewPlan(src, opts)
	if err != nil {
		return err
	}
	if err := rec.begin(src, plan); err != nil {
		return err
	}
	printNotes(g, plan)
	start := time.Now()
	w := describe(plan)
	var o outputs
	defer o.abort()
	store, err := roundBy(ctx, g, dir, out, src, plan, &cal)
	if err != nil {
		return err
	}
	defer store.Close()
	if out != "" {
		if w.Output, err = stagePlan(ctx, g, plan, dir, out, fmt.Sprintf("build %s", opts.FileType), rec, &o); err != nil {
			return err
		}
		if err := o.commitUnless(ctx, g.out); err != nil {
			return err
		}
		_ = store.Remove() // what it kept is in the output
	}
	took := time.Since(start)
	if !g.json && !g.quiet && !g.piped {
		w.print(g.out)
		if out != "" {
			printf(g.out, "written in %.1f s\n", took.Seconds())
		}
	}
	if out != "" && len(ev.Texts) > 0 {
		names := o.files.Names()
		m, err := measureBuild(ctx, g, src, dir, names[0], ev)
		if errors.Is(err, context.Canceled) {
			return &interruption{"interrupted while measuring", are(names, "complete")}
		}
		if err != nil {
			return fmt.Errorf("%s, but measuring failed: %w", are(names, "complete"), err)
		}
		w.Eval = m
		if !g.json && !g.quiet && !g.piped {
			m.print(g.out)
		}
	}
	if g.json {
		return printJSON(g.out, w)
	}
	return nil
}

func measureBuild(ctx context.Context, g global, src gguf.Model, dir, out string, o measureOptions) (*buildMeasurement, error) {
	ms := models{g: g, sizesOnly: true}
	defer ms.close()
	j := job.Job{Command: "evaluate", Options: o.Eval}
	var err error
	if j.Texts, err = o.texts(); err != nil {
		return nil, err
	}
	m, err := ms.load(out, "", o.Eval.Context)
	if err != nil {
		return nil, err
	}
	j.Candidates = []job.Model{*m}
	if j.Reference, err = ms.add(dir, src, "", o.Eval.Context); err != nil {
		return nil, err
	}
	r, err := runJob(ctx, g, &j, o)
	if err != nil {
		return nil, err
	}
	short := shortBench(o.Eval.Context)
	short.Repetitions, short.Energy = 3, false
	e, err := ms.engine(m.Loaded.Name, m.Source)
	if err != nil {
		return nil, err
	}
	b, err := benchModel(ctx, e, short, nil)
	if err != nil {
		return nil, err
	}
	return &buildMeasurement{newEvaluation(r, out, dir), b, r}, nil
}

func (m *buildMeasurement) print(out io.Writer) {
	fmt.Fprintln(out)
	_ = page.Terminal(out, m.report, coloured(out))
	// A reading of the figures, so that nobody has to know what a divergence of 0.03 means.
	printf(out, "\n%s\n\n", m.reading())
	printBench(out, m.Speed)
}

// reading says the figures in a sentence. The error is one standard error over chunks, which a single chunk does not have.
func (m *buildMeasurement) reading() string {
	s := fmt.Sprintf("The likeliest next token is the original's at %.1f %% of positions; perplexity is %+.2f %%", 100*m.SameTop.Value, 100*(m.Ratio.Value-1))
	if e := m.Ratio.ClusteredStdErr; e > 0 {
		s += fmt.Sprintf(" (±%.2f)", 100*e)
	}
	return s + "."
}
