package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/verify"
	"github.com/carat-llm/carat/runtime/engine"
)

// judge loads the models and measures until the policy is decided. When measuring fails, what was measured comes beside
// the error.
func (x *gating) judge(ctx context.Context) (*report.Report, error) {
	if err := x.load(ctx); err != nil {
		return nil, err
	}
	available, err := x.job.Available() // refuses other tokenizers before anything is measured
	if err != nil {
		return nil, err
	}
	if err := x.goOn(); err != nil {
		return nil, err
	}
	for i := range x.job.Candidates {
		if err := x.beside(ctx, i); err != nil {
			return nil, err
		}
	}
	b := newCounter(x.s.err, x.g, "gate")
	defer b.finish()
	x.job.Progress = func(done, all int, series []*figure.Series) {
		b.describe(figuresSoFar(&x.job, series))
		b.update(int64(done), int64(all))
	}
	loop := gate.Loop{Policy: x.policy, Baseline: x.Baseline, Today: today(), WarnOnly: x.warnOnly, Available: available, Measure: x.measure}
	return loop.Run(ctx)
}

// measure is one look.
func (x *gating) measure(ctx context.Context, tokens int) (*report.Report, error) {
	x.job.MaxTokens = tokens
	r, err := x.job.Run(ctx)
	if r == nil {
		return nil, err
	}
	r.Findings, r.Calibration = x.findings, x.Calibration
	for i, e := range x.extra {
		r.Candidates[i].Tensors, r.Candidates[i].Latency, r.Candidates[i].Tasks = e.tensors, e.latency, e.tasks
		r.Candidates[i].Parity = e.parity.Against(r.Candidates[i].Chunks)
	}
	job.Compare(r)
	return r, err
}

// goOn takes over what an interrupted run left.
func (x *gating) goOn() error {
	if !x.resume {
		return nil
	}
	r, err := report.Read(x.report)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was done yet
	}
	if err == nil {
		err = x.job.Resume(r)
	}
	if err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	return nil
}

// load opens the models and checks the candidate's structure. Faults of the candidate are a ModelError.
func (x *gating) load(ctx context.Context) error {
	p := x.policy
	options := x.models.src
	options.OutType = p.Reference.DType
	ref, err := convert.OpenPath(p.Reference.Source, options)
	if err != nil {
		return fmt.Errorf("the reference: %w", err)
	}
	x.models.open = append(x.models.open, ref)
	if x.job.Reference, err = x.models.add(p.Reference.Source, ref, "", p.Context); err != nil {
		return fmt.Errorf("the reference: %w", err)
	}
	c, err := x.loadCandidate(ctx)
	if err != nil {
		return &evalrun.ModelError{Candidate: 0, Err: err}
	}
	x.job.Candidates = []job.Model{*c}
	if x.control == "" {
		return nil
	}
	m, err := x.models.load(x.control, report.Control, p.Context)
	if err != nil {
		return fmt.Errorf("the control %s: %w", p.Control.Name, err)
	}
	m.ID.Name, m.Loaded.Name = p.Control.Name, p.Control.Name
	x.job.Candidates = append(x.job.Candidates, *m)
	distinct(x.job.Candidates)
	return nil
}

func (x *gating) loadCandidate(ctx context.Context) (*job.Model, error) {
	path := x.candidate
	x.id = job.Named(path)
	src, err := convert.OpenPath(path, x.models.src)
	if err != nil {
		if h, err := x.models.sums.Hash(path); err == nil { // identifies what cannot be opened, too
			x.id.SHA256, x.id.Bytes = h.SHA256, h.Bytes
		}
		return nil, err
	}
	x.models.open = append(x.models.open, src)
	if x.id, err = job.Identify(path, src, x.models.sums.Hash); err != nil {
		return nil, err
	}
	var infos []gguf.TensorInfo
	for _, t := range src.Tensors() {
		infos = append(infos, t.Info())
	}
	x.findings = append(x.findings, gate.Structure(x.policy, x.id.Name, src.Metadata(), infos)...)
	v, err := verify.Verify(ctx, src, verify.Options{Loads: engine.Check, Threads: x.g.threads}, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range v.Findings {
		x.findings = append(x.findings, report.Finding{Rule: "verify-" + f.Check, Level: report.Error, Model: x.id.Name, Tensor: f.Tensor, Message: f.Message})
	}
	m, err := x.models.ready(x.id, path, src, "", x.policy.Context)
	if err == nil && x.made != "" {
		m.Loaded.Name = x.id.Name // its folder goes
	}
	return m, err
}

// beside is what is measured once, however much text is scored.
type beside struct {
	tensors []report.Tensor
	latency *bench.Result
	tasks   []task.Result
	parity  *parity.Answer
}

// beside measures tensors, and speed, tasks and llama.cpp as far as the policy asks for them, of candidate i.
func (x *gating) beside(ctx context.Context, i int) (err error) {
	m := &x.job.Candidates[i]
	path := x.candidate
	if i > 0 {
		path = x.control
	}
	var e beside
	b := newBar(x.s.err, x.g, "tensors of "+m.ID.Name)
	e.tensors, err = job.Tensors(ctx, m.Source, x.job.Reference.Source, x.g.threads, b.update)
	b.finish()
	if err != nil {
		return &evalrun.ModelError{Candidate: i, Err: err}
	}
	if n := x.policy.Needs(); n.Speed {
		if e.latency, err = x.speed(ctx, m, path, n); err != nil {
			return err
		}
	}
	if e.tasks, err = x.tasks(ctx, m); err != nil {
		return err
	}
	if i == 0 {
		if e.parity, err = x.inLlama(ctx); err != nil {
			return err
		}
	}
	x.extra = append(x.extra, e)
	return nil
}

// speed measures what the clock says, with the A/A check that every gate on it needs.
func (x *gating) speed(ctx context.Context, m *job.Model, path string, n gate.Needs) (*bench.Result, error) {
	o := shortBench(x.policy.Context)
	o.Noise, o.Rounds, o.Energy = true, bench.MinRounds, n.Energy
	o.Compared = bench.Spec{Generate: min(32, x.policy.Context)}
	e, err := x.models.engine(m.Loaded.Name, m.Source)
	if err != nil {
		return nil, err
	}
	b := newBar(x.s.err, x.g, "speed of "+m.ID.Name)
	r, err := benchModel(ctx, e, o, b)
	b.finish()
	if err == nil && n.Load {
		r.Load, err = benchLoad(x.g, path, x.models.src)
	}
	return r, err
}

// tasks asks m and the reference the policy's items.
func (x *gating) tasks(ctx context.Context, m *job.Model) (out []task.Result, err error) {
	if len(x.policy.Data.Tasks) == 0 {
		return nil, nil
	}
	cand, err := x.taskModel(m)
	if err != nil {
		return nil, err
	}
	ref, err := x.taskModel(x.job.Reference)
	if err != nil {
		return nil, err
	}
	for i, t := range x.policy.Data.Tasks {
		kind, _ := task.Lookup(t.Name)
		b := newCounter(x.s.err, x.g, t.Name)
		r, err := task.Run(ctx, kind, x.Items[i], *cand, ref, task.Options{Limit: t.Limit, Progress: func(done, all int, _ float64) { b.update(int64(done), int64(all)) }})
		b.finish()
		if err != nil {
			return nil, err
		}
		out = append(out, *r)
	}
	return out, nil
}

// taskModel is m to be asked.
func (x *gating) taskModel(m *job.Model) (*task.Model, error) {
	e, err := x.models.engine(m.Loaded.Name, m.Source)
	if err != nil {
		return nil, err
	}
	return taskModel(e)
}
