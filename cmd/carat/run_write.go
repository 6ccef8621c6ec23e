package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
)

// newModel is a model that a verb makes: of what, and what becomes of each tensor.
type newModel struct {
	g global
	writeOptions
	src        gguf.Model  // source, open
	allocation *allocation // of its types; nil without a budget
	plan       *quantize.Plan
	title      string // of the progress bar
}

// calibrate reads the text that m is calibrated by, if there is one, and names it in the file and its manifest.
func (m *newModel) calibrate() error {
	if !m.calibration.set() {
		return nil
	}
	t, err := m.calibration.read()
	if err != nil {
		return err
	}
	t.noteLeftOut(m.g)
	m.quantize.Calibration = quantize.Calibration{Name: t.File, SHA256: t.SHA256}
	m.rec.addCalibration(t)
	return nil
}

// setPlan decides what becomes of each tensor.
func (m *newModel) setPlan() (err error) {
	if m.plan, err = quantize.NewPlan(m.src, m.quantize); err != nil {
		return err
	}
	return m.rec.begin(m.src, m.plan)
}

// write makes the model, unless only the plan is asked for, and prints what became of each tensor. The file and its
// manifest appear together.
func (m *newModel) write(ctx context.Context) error {
	printNotes(m.g, m.plan)
	w, err := m.describe()
	if err != nil {
		return err
	}
	var o outputs
	defer o.abort()
	if err := m.saveRecipe(&o); err != nil {
		return err
	}
	if m.out != "" {
		if w.Output, err = m.stage(ctx, &o); err != nil {
			return err
		}
	}
	if err := o.commitUnless(ctx, m.g.out); err != nil {
		return err
	}
	if m.g.json {
		return printJSON(m.g.out, w)
	}
	if !m.g.quiet && !m.g.piped {
		w.print(m.g.out)
	}
	return nil
}

// describe is what becomes of each tensor, and why.
func (m *newModel) describe() (*written, error) {
	w, err := describe(m.plan)
	if err == nil && m.allocation != nil {
		w.Budget = &m.allocation.budgetReport
	}
	return w, err
}

// saveRecipe adds the recipe and the curve that were asked for to o.
func (m *newModel) saveRecipe(o *outputs) error {
	if err := m.drawCurve(o); err != nil {
		return err
	}
	if m.allocation != nil && m.save != "" {
		return o.write(m.save, m.quantize.File.Bytes()) // which says why
	}
	return savePlan(m.plan, m.save, "", o)
}

// stage adds the model and its manifest to o. The sums cost reading the file again: without a manifest, and when nobody
// would see them, there are none.
func (m *newModel) stage(ctx context.Context, o *outputs) (*outputFile, error) {
	m.plan.Hash = m.g.json || !m.g.quiet || m.rec.path != ""
	w, err := m.execute(ctx)
	if err != nil {
		return nil, err
	}
	o.model(w)
	if err := m.rec.finish(ctx, m.plan, w, o); err != nil || m.g.quiet && !m.g.json {
		return nil, err
	}
	return hashStaged(ctx, w)
}

// execute writes the file with a progress bar, but for its name. Errors about weights name the model they are in.
func (m *newModel) execute(ctx context.Context) (*gguf.Writer, error) {
	paths, err := m.plan.Paths(m.out)
	if err != nil {
		return nil, usagef("%v", err)
	}
	for _, p := range paths {
		if err := sameFile(m.source, p); err != nil {
			return nil, err
		}
	}
	b := newBar(m.g, m.title)
	defer b.finish()
	w, err := quantize.Stage(ctx, []*quantize.Plan{m.plan}, []string{m.out}, b.update)
	if errors.Is(err, gguf.ErrInput) && !strings.Contains(err.Error(), m.source) {
		return nil, fmt.Errorf("%s: %w", m.source, err)
	}
	if err != nil {
		return nil, err
	}
	return w[0], nil
}
