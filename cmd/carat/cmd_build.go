package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/bench"
	benchrun "github.com/carat-llm/carat/eval/bench/run"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/quantize/manifest"
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
The file is then measured beside a preset of its bytes: on --eval, or on a part of carat's own calibration text.

EXAMPLES:
   carat build ./SmolLM2-135M --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --eval wiki.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --calibration calibration.txt -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --target-size 105M -o smollm2.gguf
   carat build ./SmolLM2-135M --target-size 105M --calibration ./texts --calibration default -o smollm2.gguf
   carat build ./SmolLM2-135M --type Q3_K_S --dry-run
   carat build HuggingFaceTB/SmolLM2-1.7B --stream --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat build ./SmolLM2-135M --type Q4_K_M --for openvino,lmstudio -o smollm2-Q4_K_M.gguf`,
		Flags: slices.Concat(quantizeFlags(), budgetFlags(), calibrationFlags(), outputFlags(), saveFlag(), splitFlags(), group(measureGroup,
			&cli.StringFlag{Name: "eval", Usage: "`FILE` text to measure original and result on"},
			&cli.IntFlag{Name: "ctx", Value: 512, Usage: "`TOKENS` tokens per chunk"},
			&cli.IntFlag{Name: "chunks", Usage: "`N` evaluate only the first N chunks"},
			&cli.BoolFlag{Name: "no-proof", Usage: "do not measure a calibrated file beside the preset of its bytes"},
			&cli.BoolFlag{Name: "allow-overlap", Usage: "measure on --eval though some of it is in the calibration text"}), checkpointFlags(), sourceFlags(), streamFlag()),
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
	measure      measureOptions
	noProof      bool
	allowOverlap bool
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
	o.noProof, o.allowOverlap = c.Bool("no-proof"), c.Bool("allow-overlap")
	return o, o.measure.check()
}

// buildMeasurement is the "eval" of build's JSON.
type buildMeasurement struct {
	*evaluation
	Speed  *bench.Result   `json:"speed"`
	Proof  *manifest.Proof `json:"proof,omitempty"`
	report *report.Report
}

func runBuild(ctx context.Context, g global, o buildOptions) error {
	// A text that is not there should not be found missing after the work.
	texts, err := o.evalTexts()
	if err != nil {
		return err
	}
	if err := o.refuseOverlap(ctx, texts); err != nil {
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
	if m.out != "" && len(texts) > 0 {
		names := files.files.Names()
		eval, err := measureBuild(ctx, &m, texts, &o)
		if err == nil && eval.Proof != nil {
			err = m.rec.prove(eval.Proof)
		}
		if errors.Is(err, context.Canceled) {
			return &interruption{"interrupted while measuring", are(names, "complete")}
		}
		if err != nil {
			return fmt.Errorf("%s, but measuring failed: %w", are(names, "complete"), err)
		}
		w.Eval = eval
		if err := m.compareMeasured(eval.Divergence.Mean); err != nil {
			return err
		}
		if !g.json && !g.quiet && !g.piped {
			eval.print(g.out)
			w.Budget.printMeasured(g.out)
		}
		if eval.Proof != nil && !g.quiet {
			warnWorse(g.err, eval.Proof)
		}
	}
	if g.json {
		return printJSON(g.out, w)
	}
	return nil
}

// measureBuild measures the file that was made of n side by side with the original, and with a preset if that is to be.
func measureBuild(ctx context.Context, n *newModel, texts []text.Text, o *buildOptions) (*buildMeasurement, error) {
	paths, err := n.plan.Paths(n.out)
	if err != nil {
		return nil, err
	}
	var p *preset
	if o.proves() {
		if p, err = n.shadow(ctx); err != nil {
			return nil, err
		}
		defer p.Close()
	}
	ms := models{g: n.g, sizesOnly: true}
	defer ms.close() // before the preset goes: Windows keeps files that are mapped
	j := job.Job{Command: "evaluate", Texts: texts, Options: o.measure.Eval}
	m, err := ms.load(paths[0], "", j.Options.Context)
	if err != nil {
		return nil, err
	}
	j.Candidates = []job.Model{*m}
	if p != nil {
		other, err := ms.load(p.path, report.Control, j.Options.Context)
		if err != nil {
			return nil, err
		}
		j.Candidates = append(j.Candidates, *other)
	}
	if j.Reference, err = ms.add(n.source, n.src, "", j.Options.Context); err != nil {
		return nil, err
	}
	r, err := runJob(ctx, n.g, &j, o.measure)
	if err != nil {
		return nil, err
	}
	out := &buildMeasurement{evaluation: newEvaluation(r, paths[0], n.source), report: r}
	if p != nil {
		job.Compare(r)
		out.Proof = proofOf(r, p)
	}
	short := benchrun.Short(j.Options.Context)
	short.Repetitions, short.Energy = 3, false
	e, err := ms.engine(m.Loaded.Name, m.Source)
	if err != nil {
		return nil, err
	}
	out.Speed, err = benchrun.Measure(ctx, e, short)
	return out, err
}

func (m *buildMeasurement) print(out io.Writer) {
	fmt.Fprintln(out)
	_ = page.Terminal(out, m.report, coloured(out))
	// A reading of the figures, so that nobody has to know what a divergence of 0.03 means.
	printf(out, "\n%s\n", m.reading())
	if m.Proof != nil {
		printf(out, "%s.\n", proofSentence(m.Proof))
	}
	fmt.Fprintln(out)
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
