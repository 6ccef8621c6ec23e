package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// inputs reads everything but the models, checks it, and asks what the verdict depends on.
func (x *gating) inputs(ctx context.Context) error {
	p := x.policy
	var err error
	if x.Texts, err = p.ReadTexts(); err != nil {
		return err
	}
	x.job.Texts, x.job.Command, x.job.Threads, x.job.Options = x.Texts, "gate", x.g.threads, text.Options{Context: p.Context}
	x.job.Computation = x.Computation
	var sums []string
	for _, t := range p.Data.Eval {
		h, err := x.models.sums.Hash(t.Path)
		if err != nil {
			return err
		}
		sums = append(sums, h.SHA256)
	}
	if err := x.readBaseline(); err != nil {
		return err
	}
	if p.Data.Calibration != "" {
		if x.Calibration, err = gate.ReadCalibration(ctx, p.Data.Calibration, x.Texts); err != nil {
			return err
		}
	}
	x.Findings = gate.Inputs(p, sums, x.Calibration)
	if path := p.Target.Imatrix; path != "" {
		if x.Imatrix, err = imatrix.Read(path); err != nil {
			return err
		}
		x.Findings = append(x.Findings, gate.Recorded(p, path, x.Imatrix, x.Texts, sums)...)
	}
	if err := x.readTarget(); err != nil {
		return err
	}
	for _, t := range p.Data.Tasks {
		kind, _ := task.Lookup(t.Name)
		items, err := task.Read(kind, t.Path)
		if err != nil {
			return err
		}
		x.Items = append(x.Items, items)
	}
	if err := x.findLlama(ctx); err != nil {
		return err
	}
	x.findings = slices.Clone(x.Findings)
	x.ask()
	return nil
}

// readTarget reads the recipe of what is built, if it has one.
func (x *gating) readTarget() error {
	path := x.policy.Target.Recipe
	if x.given != "" || path == "" {
		return nil
	}
	return readNamed("target.recipe", path, func(r io.Reader) (err error) {
		x.Recipe, err = recipe.ParseFile(filepath.Base(path), r)
		return err
	})
}

// readBaseline finds and reads the last release's report, if there is one.
func (x *gating) readBaseline() error {
	b := x.policy.Baseline
	if x.baseline == "" && b.Release != "" {
		path, ok := x.store.Baseline(b.Release)
		if !ok {
			x.note("no baseline %s is kept in the cache: gates against it are skipped; --save-baseline NAME keeps a first one", b.Release)
			return nil
		}
		x.baseline = path
	}
	if x.baseline == "" {
		return nil
	}
	if b.SHA256 != "" {
		h, err := gguf.HashFile(x.baseline)
		if err != nil {
			return err
		}
		if h.SHA256 != b.SHA256 {
			return fmt.Errorf("%w: the baseline %s has SHA-256 %s, the policy says %s", gguf.ErrInput, x.baseline, h.SHA256, b.SHA256)
		}
	}
	var err error
	if x.Baseline, err = report.Read(x.baseline); err != nil {
		return fmt.Errorf("the baseline: %w", err)
	}
	if was := x.Baseline.Protocol.Computation; !was.Is(x.Computation) {
		return hint.Wrap(usagef("the baseline %s was computed %s, this run %s: figures of the two do not compare", x.baseline, was, x.Computation), "--compute and --kv-type choose how to compute")
	}
	return nil
}
