package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/measure"
	"github.com/carat-llm/carat/eval/overlap"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/check"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// beside is what is measured once, however much text is scored.
type beside struct {
	tensors []report.Tensor
	latency *latency.Result
	tasks   []task.Result
}

// calibration compares the calibration text with the evaluation texts.
func (x *gating) calibration(ctx context.Context) (*report.Calibration, error) {
	path := x.policy.Data.Calibration
	if path == "" {
		return nil, nil
	}
	c, err := eval.ReadText(path)
	if err != nil {
		return nil, err
	}
	var texts []overlap.Text
	for _, t := range x.job.Texts {
		texts = append(texts, overlap.Text{Name: t.Name, Data: t.Data})
	}
	results, err := overlap.Check(ctx, []overlap.Text{{Name: c.File, Data: c.Data}}, texts, overlap.DefaultNGram)
	if err != nil {
		return nil, err
	}
	out := &report.Calibration{File: c.File, SHA256: c.SHA256}
	for _, r := range results {
		if r.Share <= out.Overlap {
			continue
		}
		out.Overlap, out.Worst = r.Share, r.Evaluation
		if r.Longest != nil {
			out.Excerpt = r.Longest.Excerpt
		}
	}
	x.calibrated = out
	return out, nil
}

// build makes the candidate and the control in a folder of their own, which the caller removes. With a candidate that
// is given, and no control, there is none.
func (x *gating) build(ctx context.Context) (folder string, err error) {
	x.candidate = x.gateOptions.candidate
	p := x.policy
	if x.candidate != "" && !p.Control.Set() {
		return "", nil
	}
	source := p.Model.Source
	if source == "" {
		source = p.Reference.Source
	}
	src, err := openModel(source, x.models.src)
	if err != nil {
		return "", err
	}
	defer src.Close()
	if folder, err = temporary(x.out); err != nil {
		return "", err
	}
	var plans []*quantize.Plan
	var paths []string
	add := func(o quantize.Options, name string) error {
		o.Threads = x.g.threads
		plan, err := quantize.NewPlan(src, o)
		if err != nil {
			return err
		}
		printNotes(x.s, x.g, plan)
		plans, paths = append(plans, plan), append(paths, filepath.Join(folder, name))
		return nil
	}
	if x.candidate == "" {
		o, err := x.target()
		if err != nil {
			return folder, err
		}
		name := filepath.Base(x.out)
		if x.out == "" {
			name = fmt.Sprintf("%s-%s.gguf", strings.TrimSuffix(filepath.Base(filepath.Clean(source)), ".gguf"), o.FileType)
		}
		if err := add(o, name); err != nil {
			return folder, err
		}
		x.built, x.candidate = paths[0], paths[0]
	}
	if c := p.Control; c.Set() {
		o := quantize.Options{FileType: c.Type}
		if c.Imatrix {
			if err := x.withImatrix(&o); err != nil {
				return folder, err
			}
		}
		if err := add(o, c.Name+".gguf"); err != nil {
			return folder, fmt.Errorf("the control: %w", err)
		}
		x.control = paths[len(paths)-1]
	}
	b := newBar(x.s.err, x.g, "build")
	defer b.finish()
	if err := quantize.RunAll(ctx, plans, paths, b.update); err != nil {
		return folder, fmt.Errorf("%s: %w", source, err)
	}
	return folder, nil
}

// target is what the policy has built.
func (x *gating) target() (o quantize.Options, err error) {
	t := x.policy.Target
	if t.Recipe != "" {
		f, err := os.Open(t.Recipe)
		if err != nil {
			return o, fmt.Errorf("%w: %w", gguf.ErrInput, err)
		}
		defer f.Close()
		if o.File, err = recipe.ParseFile(filepath.Base(t.Recipe), f); err != nil {
			return o, usagef("%v", err)
		}
		o.FileType = o.File.FileType
	} else if o.FileType, err = recipe.ParseFileType(t.Type); err != nil {
		return o, usagef("--type: %v", err)
	}
	return o, x.withImatrix(&o)
}

func (x *gating) withImatrix(o *quantize.Options) (err error) {
	path := x.policy.Target.Imatrix
	if path == "" {
		return nil
	}
	o.ImatrixName = filepath.Base(path)
	o.Imatrix, err = imatrix.Read(path)
	return err
}

// load opens reference, candidate and control, checks the candidate's structure and measures what stands beside the
// predictions. Faults of the candidate are a ModelError.
func (x *gating) load(ctx context.Context) error {
	var err error
	if x.job.Reference, err = x.models.load(x.refPath, "", x.policy.Context); err != nil {
		return err
	}
	c, err := x.loadCandidate(ctx)
	if err != nil {
		return &eval.ModelError{Candidate: 0, Err: err}
	}
	x.job.Candidates = []measure.Model{*c}
	if x.control != "" {
		m, err := x.models.load(x.control, "control", x.policy.Context)
		if err != nil {
			return err
		}
		m.ID.Name = x.policy.Control.Name
		x.job.Candidates = append(x.job.Candidates, *m)
	}
	return x.beside(ctx)
}

func (x *gating) loadCandidate(ctx context.Context) (*measure.Model, error) {
	path := x.candidate
	x.id = report.Model{Name: filepath.Base(path)}
	if h, err := x.models.sums.Hash(path); err == nil {
		x.id.SHA256, x.id.Bytes = h.SHA256, h.Bytes
	} else if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s: no such file", path)
	}
	src, err := openModel(path, x.models.src)
	if err != nil {
		return nil, err
	}
	x.models.open = append(x.models.open, src)
	if x.id, err = measure.Identify(path, src, x.models.sums.Hash); err != nil {
		return nil, err
	}
	var infos []gguf.TensorInfo
	for _, t := range src.Tensors() {
		infos = append(infos, t.Info())
	}
	x.findings = append(x.findings, gate.Structure(x.policy, x.id.Name, src.Metadata(), infos)...)
	v, err := check.Verify(ctx, src, check.Options{Threads: x.g.threads}, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range v.Findings {
		x.findings = append(x.findings, report.Finding{Rule: "verify-" + f.Check, Level: report.Error, Model: x.id.Name, Tensor: f.Tensor, Message: f.Message})
	}
	return x.models.add(path, src, "", x.policy.Context)
}

// beside measures tensors, speed and tasks, as far as the policy asks for them.
func (x *gating) beside(ctx context.Context) error {
	n := x.policy.Needs()
	for i := range x.job.Candidates {
		m := &x.job.Candidates[i]
		var e beside
		b := newBar(x.s.err, x.g, "tensors of "+m.ID.Name)
		t, err := measure.Tensors(ctx, m.Source, x.job.Reference.Source, x.g.threads, b.update)
		b.finish()
		if err != nil {
			return &eval.ModelError{Candidate: i, Err: err}
		}
		e.tensors = t
		if n.Speed {
			o := shortBench(x.policy.Context)
			o.Noise, o.Rounds, o.Energy = true, latency.MinRounds, n.Energy
			o.Compared = latency.Spec{Generate: min(32, x.policy.Context)}
			b := newBar(x.s.err, x.g, "speed of "+m.ID.Name)
			e.latency, err = benchModel(ctx, x.g, m.Source, o, b)
			b.finish()
			if err != nil {
				return err
			}
			if n.Load {
				if e.latency.Load, err = benchLoad(x.g, m.Loaded.Name, x.models.src); err != nil {
					return err
				}
			}
		}
		if e.tasks, err = x.tasks(ctx, m); err != nil {
			return err
		}
		x.extra = append(x.extra, e)
	}
	return nil
}

// tasks asks m and the reference the policy's items.
func (x *gating) tasks(ctx context.Context, m *measure.Model) (out []task.Result, err error) {
	if len(x.policy.Data.Tasks) == 0 {
		return nil, nil
	}
	cand, err := taskModel(m.Source, x.g)
	if err != nil {
		return nil, err
	}
	ref, err := taskModel(x.job.Reference.Source, x.g)
	if err != nil {
		return nil, err
	}
	for _, t := range x.policy.Data.Tasks {
		kind, _ := task.Lookup(t.Name)
		items, err := task.Read(kind, t.Path)
		if err != nil {
			return nil, err
		}
		b := newCounter(x.s.err, x.g, t.Name)
		r, err := task.Run(ctx, kind, items, *cand, ref, task.Options{Limit: t.Limit, Progress: func(done, all int, _ float64) { b.update(int64(done), int64(all)) }})
		b.finish()
		if err != nil {
			return nil, err
		}
		out = append(out, *r)
	}
	return out, nil
}

// latencyPlace is what speed depends on besides the inputs.
func latencyPlace() string { return latency.CPUName() }
