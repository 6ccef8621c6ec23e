package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
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
--target-size chooses the types, too, so that nothing but a size need be given.

EXAMPLES:
   carat build ./SmolLM2-135M --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --eval wiki.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --calibration calibration.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --target-size 105M -o smollm2.gguf
   carat build ./SmolLM2-135M --target-size 105M --calibration ./texts -o smollm2.gguf
   carat build ./SmolLM2-135M --type Q3_K_S --dry-run
   carat build HuggingFaceTB/SmolLM2-1.7B --stream --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --for openvino,lmstudio -o smollm2-Q4_K_M.gguf`,
		Flags: slices.Concat(quantizeFlags(), budgetFlags(), calibrationFlags(), outputFlags(), saveFlag(), splitFlags(), group(measureGroup,
			&cli.StringFlag{Name: "eval", Usage: "`FILE` text to measure original and result on"},
			&cli.IntFlag{Name: "ctx", Value: 512, Usage: "`TOKENS` tokens per chunk"},
			&cli.IntFlag{Name: "chunks", Usage: "`N` evaluate only the first N chunks"}), checkpointFlags(), sourceFlags(), streamFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "DIR")
			if err != nil {
				return err
			}
			o, err := buildOptionsOf(c, g, arg)
			if err != nil {
				return err
			}
			if err := streamed(c, g, &o.source, &o.from); err != nil {
				return err
			}
			return runBuild(c.Context, g, o)
		},
	}
}

// buildOptions are build's flags: quantize's, and on what the file is measured.
type buildOptions struct {
	writeOptions
	measure measureOptions
}

func buildOptionsOf(c *cli.Context, g global, source string) (o buildOptions, err error) {
	if o.writeOptions, err = writeOptionsOf(c, source); err != nil {
		return o, err
	}
	if err := o.typesOf(c, g); err != nil {
		return o, err
	}
	o.quantize.NoteClients = true
	o.measure = measureOptions{in: g.in, Eval: text.Options{Context: c.Int("ctx"), Chunks: c.Int("chunks")}}
	if f := c.String("eval"); f != "" {
		o.measure.Texts = []string{f}
	}
	return o, o.measure.check()
}

// buildMeasurement is the "eval" of build's JSON.
type buildMeasurement struct {
	*evaluation
	Speed  *bench.Result `json:"speed"`
	report *report.Report
}

func runBuild(ctx context.Context, g global, o buildOptions) error {
	// A text that is not there should not be found missing after the work.
	if _, err := o.measure.texts(); err != nil {
		return err
	}
	src, err := g.open(o.source, o.from)
	if err != nil {
		return err
	}
	defer src.Close()
	m := newModel{g: g, writeOptions: o.writeOptions, src: src}
	defer m.calibration.close()
	if err := m.calibrate(); err != nil {
		return err
	}
	if err := allocateTypes(ctx, &m); err != nil {
		return err
	}
	if err := m.setPlan(); err != nil {
		return err
	}
	printNotes(g, m.plan)
	start := time.Now()
	w, err := m.describe()
	if err != nil {
		return err
	}
	var files outputs
	defer files.abort()
	if err := m.saveRecipe(&files); err != nil {
		return err
	}
	store, err := roundBy(ctx, &m)
	if err != nil {
		return err
	}
	defer store.Close()
	if m.out != "" {
		m.title = fmt.Sprintf("build %s", m.quantize.FileType)
		if w.Output, err = m.stage(ctx, &files); err != nil {
			return err
		}
	}
	if err := files.commitUnless(ctx, g.out); err != nil {
		return err
	}
	_ = store.Remove() // what it kept is in the output
	took := time.Since(start)
	if !g.json && !g.quiet && !g.piped {
		w.print(g.out)
		if m.out != "" {
			printf(g.out, "written in %.1f s\n", took.Seconds())
		}
	}
	if m.out != "" && len(o.measure.Texts) > 0 {
		names := files.files.Names()
		eval, err := measureBuild(ctx, &m, names[0], o.measure)
		if errors.Is(err, context.Canceled) {
			return &interruption{"interrupted while measuring", are(names, "complete")}
		}
		if err != nil {
			return fmt.Errorf("%s, but measuring failed: %w", are(names, "complete"), err)
		}
		w.Eval = eval
		if !g.json && !g.quiet && !g.piped {
			eval.print(g.out)
		}
	}
	if g.json {
		return printJSON(g.out, w)
	}
	return nil
}

// measureBuild measures the file that was made of n side by side with the original.
func measureBuild(ctx context.Context, n *newModel, file string, o measureOptions) (*buildMeasurement, error) {
	ms := models{g: n.g, sizesOnly: true}
	defer ms.close()
	j := job.Job{Command: "evaluate", Options: o.Eval}
	var err error
	if j.Texts, err = o.texts(); err != nil {
		return nil, err
	}
	m, err := ms.load(file, "", o.Eval.Context)
	if err != nil {
		return nil, err
	}
	j.Candidates = []job.Model{*m}
	if j.Reference, err = ms.add(n.source, n.src, "", o.Eval.Context); err != nil {
		return nil, err
	}
	r, err := runJob(ctx, n.g, &j, o)
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
	return &buildMeasurement{newEvaluation(r, file, n.source), b, r}, nil
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
