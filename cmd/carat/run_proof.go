package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/overlap"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/calibration"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/manifest"
	"github.com/carat-llm/carat/quantize/recipe"
)

// evalTexts are the texts that a file is measured on: --eval's, or, when the file is to be proven and was calibrated by
// carat's own text, the part of that which is held out.
func (o *buildOptions) evalTexts() ([]text.Text, error) {
	if len(o.measure.Texts) > 0 || !o.proves() || !ownText(o.calibration.Texts) {
		return o.measure.texts()
	}
	return []text.Text{text.NewText("held-out", "default (held-out part)", calibration.HeldOut().Text())}, nil
}

// proves says whether the file is to be compared with a preset of its bytes.
func (o *buildOptions) proves() bool { return o.calibration.set() && o.out != "" && !o.noProof }

// refuseOverlap refuses to measure on what the file is calibrated by.
func (o *buildOptions) refuseOverlap(ctx context.Context, texts []text.Text) error {
	if !o.calibration.set() || o.allowOverlap || len(o.measure.Texts) == 0 {
		return nil
	}
	c, err := o.calibration.read()
	if err != nil {
		return err
	}
	var evals []overlap.Text
	for _, t := range texts {
		evals = append(evals, overlap.Text{Name: t.File, Data: t.Data})
	}
	found, err := overlap.Check(ctx, []overlap.Text{{Name: c.arg, Data: c.Data}}, evals, overlap.DefaultNGram)
	if err != nil {
		return hint.Wrap(fmt.Errorf("comparing --eval with --calibration: %w", err), "--allow-overlap goes on without")
	}
	for _, r := range found {
		if r.Share > gate.MaxOverlap {
			return hint.Wrap(usagef("--eval %s and --calibration %s share %.1f %% of the former's sequences of %d words: figures on a text that the model was calibrated by flatter it", r.Evaluation, r.Calibration, 100*r.Share, r.NGram),
				"measure on another text (carat overlap shows what is shared), or give --allow-overlap")
		}
	}
	return nil
}

// preset is a file to compare another with, for the length of a run.
type preset struct {
	name string
	path string
	dir  *atomicfile.Scratch
}

func (p *preset) Close() {
	if p != nil {
		_ = p.dir.Close()
	}
}

// shadow writes the preset of m's bytes, or m's own types if they were given, with an importance matrix of the calibration text,
// beside the output. It is nil, with a note, when every preset is larger.
func (m *newModel) shadow(ctx context.Context) (p *preset, err error) {
	o := m.quantize
	o.Calibration, o.Split, o.KeepSplit, o.NoteClients = quantize.Calibration{}, gguf.Split{}, false, false
	if o.Imatrix == nil {
		if o.Imatrix, err = m.importance(ctx); err != nil {
			return nil, err
		}
		o.ImatrixName = m.calibration.text.File
	}
	p = &preset{name: o.FileType.String()}
	var plan *quantize.Plan
	if m.budget.set() {
		sum, err := m.plan.Summary()
		if err != nil {
			return nil, err
		}
		o.File = nil
		var ft recipe.FileType
		ft, plan, err = quantize.NearestPreset(m.src, o, sum.FileBytes)
		if errors.Is(err, quantize.ErrNoPreset) {
			if !m.g.quiet {
				printf(m.g.err, "carat: note: %v: there is none to compare with\n", err)
			}
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		p.name = ft.String()
	} else {
		if o.File != nil {
			p.name = "the recipe's types"
		}
		if plan, err = quantize.NewPlan(m.src, o); err != nil {
			return nil, err
		}
	}
	target, err := atomicfile.Resolve(m.out)
	if err != nil {
		return nil, err
	}
	if p.dir, err = atomicfile.NewScratch(filepath.Dir(target), ".carat-proof-"); err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	p.path = p.dir.Path("preset " + p.name + ".gguf")
	b := newBar(m.g, "preset "+p.name)
	defer b.finish()
	w, err := quantize.Stage(ctx, []*quantize.Plan{plan}, []string{p.path}, b.update)
	if err != nil {
		return nil, err
	}
	if err := p.dir.Hold(w[0].Files()...); err != nil {
		return nil, err
	}
	reached("preset")
	return p, nil
}

// importance collects the importance matrix of the calibration text.
func (m *newModel) importance(ctx context.Context) (*imatrix.Matrix, error) {
	c, err := m.calibration.ready(m.g, m.source, m.src)
	if err != nil {
		return nil, err
	}
	defer m.calibration.close()
	sess, err := c.NewSession(calibrationContext)
	if err != nil {
		return nil, err
	}
	b := newCounter(m.g, "preset's importance")
	defer b.finish()
	return imatrix.Collect(ctx, sess, c.chunks, imatrix.Options{
		Dataset: m.calibration.text.File, SHA256: m.calibration.text.SHA256, Vocab: c.Vocab(), Threads: m.g.threads,
		Progress: func(chunk, chunks int) { b.update(int64(chunk), int64(chunks)) },
	})
}

// proofOf reads the comparison of the first candidate of r with the second, the preset.
func proofOf(r *report.Report, p *preset) *manifest.Proof {
	file, other := &r.Candidates[0], &r.Candidates[1]
	out := &manifest.Proof{
		Preset: p.name, PresetBytes: other.Bytes, Bytes: file.Bytes, Text: r.Data[0].File, TextSHA256: r.Data[0].SHA256,
		KLD: file.Metrics.Divergence.Mean, PresetKLD: other.Metrics.Divergence.Mean,
	}
	for _, c := range file.Chunks {
		out.Tokens += c.Tokens
	}
	for _, c := range r.Comparisons {
		if c.Metric == "kld.mean" {
			out.Relative = c.Relative
			if c.CI != nil {
				out.CI = &manifest.Interval{Low: c.CI.Low, High: c.CI.High}
			}
		}
	}
	return out
}
