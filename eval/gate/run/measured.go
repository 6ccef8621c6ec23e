package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/verify"
	"github.com/carat-llm/carat/runtime/engine"
)

// Measured is a candidate, and its control, of which everything is known but how they score text.
type Measured struct {
	in  *Inputs
	env *Env
	c   *Candidate
	id  report.Model // the candidate's
	job job.Job
	// findings are those of the inputs and of the candidate.
	findings []report.Finding
	once     []once // of each of the job's candidates
}

// Load loads the models and measures what is measured once. Faults of the candidate are a ModelError of number 0; what
// is known is returned beside any error.
func Load(ctx context.Context, in *Inputs, c *Candidate, env *Env) (*Measured, error) {
	m := &Measured{in: in, env: env, c: c, id: job.Named(c.Path), findings: slices.Clone(in.Findings)}
	m.job = job.Job{Command: "gate", Texts: in.Texts, Threads: env.Threads, Options: text.Options{Context: in.Policy.Context}, Computation: in.Computation}
	if err := m.load(ctx); err != nil {
		return m, err
	}
	if _, err := m.job.Available(); err != nil { // refuses other tokenizers before anything is measured
		return m, err
	}
	if err := m.resume(); err != nil {
		return m, err
	}
	for i := range m.job.Candidates {
		o, err := m.measureOnce(ctx, i)
		if err != nil {
			return m, err
		}
		m.once = append(m.once, o)
	}
	return m, nil
}

// load opens the models and checks the candidate's structure.
func (m *Measured) load(ctx context.Context) error {
	p := m.in.Policy
	ref, err := m.open(p.Reference.Source, p.Reference.DType)
	if err != nil {
		return fmt.Errorf("the reference: %w", err)
	}
	if m.job.Reference, err = m.env.Models.Add(p.Reference.Source, ref, "", p.Context); err != nil {
		return fmt.Errorf("the reference: %w", err)
	}
	c, err := m.loadCandidate(ctx)
	if err != nil {
		return &evalrun.ModelError{Candidate: 0, Err: err}
	}
	m.job.Candidates = []job.Model{*c}
	if m.c.Control == "" {
		return nil
	}
	src, err := m.open(m.c.Control, "")
	if err == nil {
		c, err = m.env.Models.Add(m.c.Control, src, report.Control, p.Context)
	}
	if err != nil {
		return fmt.Errorf("the control %s: %w", p.Control.Name, err)
	}
	c.ID.Name, c.Loaded.Name = p.Control.Name, p.Control.Name
	m.job.Candidates = append(m.job.Candidates, *c)
	job.UniqueNames(m.job.Candidates)
	return nil
}

// open opens a model that is closed with the others.
func (m *Measured) open(path, dtype string) (gguf.Model, error) {
	src, err := m.env.Open(path, dtype)
	if err == nil {
		m.env.Models.Keep(src)
	}
	return src, err
}

func (m *Measured) loadCandidate(ctx context.Context) (*job.Model, error) {
	path, env := m.c.Path, m.env
	src, err := m.open(path, "")
	if err != nil {
		if h, err := env.Sums.Hash(path); err == nil { // identifies what cannot be opened, too
			m.id.SHA256, m.id.Bytes = h.SHA256, h.Bytes
		}
		return nil, err
	}
	if m.id, err = job.Identify(path, src, env.Sums.Hash); err != nil {
		return nil, err
	}
	var infos []gguf.TensorInfo
	for _, t := range src.Tensors() {
		infos = append(infos, t.Info())
	}
	m.findings = append(m.findings, gate.Structure(m.in.Policy, m.id.Name, src.Metadata(), infos)...)
	for _, file := range job.CalibratedBy(src, m.in.Texts) {
		level := report.Warn
		if m.in.Policy.Data.ForbidOverlap {
			level = report.Error
		}
		m.findings = append(m.findings, report.Finding{Rule: gate.RuleOverlap, Level: level, Model: m.id.Name, Message: fmt.Sprintf("was calibrated by %s: figures on that text flatter it", file)})
	}
	v, err := verify.Verify(ctx, src, verify.Options{Loads: engine.Check, Threads: env.Threads}, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range v.Findings {
		m.findings = append(m.findings, report.Finding{Rule: "verify-" + f.Check, Level: report.Error, Model: m.id.Name, Tensor: f.Tensor, Message: f.Message})
	}
	loaded, err := env.Models.Ready(m.id, path, src, "", m.in.Policy.Context)
	if err == nil && m.c.Built {
		loaded.Loaded.Name = m.id.Name // its folder goes
	}
	return loaded, err
}

// resume takes over what an interrupted run left.
func (m *Measured) resume() error {
	if m.in.Resume == "" {
		return nil
	}
	r, err := report.Read(m.in.Resume)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was done yet
	}
	if err == nil {
		err = m.job.Resume(r)
	}
	if err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	return nil
}

// Judge scores text until the policy is decided. When measuring fails, what was measured comes beside the error.
func (m *Measured) Judge(ctx context.Context) (*report.Report, error) {
	available, err := m.job.Available()
	if err != nil {
		return nil, err
	}
	b := m.env.Progress("gate", true)
	defer b.Finish()
	m.job.Progress = func(done, all int, series []*figure.Series) {
		b.Describe(m.job.SoFar(series))
		b.Update(int64(done), int64(all))
	}
	loop := gate.Loop{Policy: m.in.Policy, Baseline: m.in.Baseline, Today: m.env.Today, WarnOnly: m.in.WarnOnly, Available: available, Measure: m.look}
	return loop.Run(ctx)
}

// look is the report once so many tokens are scored.
func (m *Measured) look(ctx context.Context, tokens int) (*report.Report, error) {
	m.job.MaxTokens = tokens
	r, err := m.job.Run(ctx)
	if r == nil {
		return nil, err
	}
	r.Findings, r.Calibration = m.findings, m.in.Calibration
	for i, o := range m.once {
		c := &r.Candidates[i]
		c.Tensors, c.Latency, c.Tasks, c.Parity = o.tensors, o.latency, o.tasks, o.parity.Against(c.Chunks)
	}
	job.Compare(r)
	return r, err
}

// invalid makes the verdict on a candidate that cannot be measured. Other errors stay what they are.
func (m *Measured) invalid(err error) (*report.Report, error) {
	var fault *evalrun.ModelError
	if !errors.As(err, &fault) || fault.Candidate != 0 || !errors.Is(err, gguf.ErrInput) {
		return nil, err
	}
	r := m.job.Empty()
	r.Findings, r.Calibration = m.findings, m.in.Calibration
	c := job.Model{ID: m.id}
	m.job.Fail(&c, m.c.Path, fault)
	return r, gate.Invalidate(m.in.Policy, r, m.id, fault, c.Failure, m.in.Baseline, m.env.Today)
}
