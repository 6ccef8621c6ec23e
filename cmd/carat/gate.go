package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/measure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
)

// gating is one run of the gate.
type gating struct {
	gateOptions
	s      streams
	g      global
	models *models

	job       measure.Job
	refPath   string
	built     string // the candidate's temporary file, when it is built
	candidate string // the path that is measured
	id        report.Model
	control   string         // the control's temporary file, or ""
	last      *report.Report // the baseline
	// calibrated is what was found out about the calibration text.
	calibrated *report.Calibration
	findings   []report.Finding
	extra      []beside
	store      *cache.Dir
	key        string
}

// verdict is the end of a gate that did not pass.
type verdict struct {
	code int
	msg  string
}

func (v *verdict) Error() string { return v.msg }

func (x *gating) run(ctx context.Context) error {
	var err error
	if x.cache != "" {
		if x.store, err = cache.Open(x.cache); err != nil {
			return fmt.Errorf("%w: the cache: %w", gguf.ErrEnvironment, err)
		}
		x.models.sums = x.store.Sums
		defer func() { _ = x.store.Sums.Save() }() // it only saves time
	}
	if err := x.inputs(ctx); err != nil {
		return err
	}
	if r := x.stored(); r != nil {
		return x.finish(r)
	}
	folder, err := x.build(ctx)
	if folder != "" {
		defer os.RemoveAll(folder)
	}
	if err != nil {
		return err
	}
	r, err := x.judge(ctx)
	if err != nil {
		return x.broken(ctx, r, err)
	}
	if err := x.publish(r); err != nil {
		return err
	}
	x.keepVerdict(r)
	return x.finish(r)
}

// inputs reads the texts and the baseline, and identifies what the verdict depends on.
func (x *gating) inputs(ctx context.Context) error {
	p := x.policy
	var err error
	if x.job.Texts, err = x.readTexts(); err != nil {
		return err
	}
	x.job.Command, x.job.Options = "gate", eval.Options{Context: p.Context}
	if x.baseline != "" {
		if x.last, err = report.Read(x.baseline); err != nil {
			return fmt.Errorf("the baseline: %w", err)
		}
		if want := p.Baseline.SHA256; want != "" {
			h, err := gguf.HashFile(x.baseline)
			if err != nil {
				return err
			}
			if h.SHA256 != want {
				return fmt.Errorf("%w: the baseline %s has SHA-256 %s, the policy says %s", gguf.ErrInput, x.baseline, h.SHA256, want)
			}
		}
	}
	var sums []string
	if len(x.texts) == 0 {
		for _, t := range p.Data.Eval {
			h, err := x.models.sums.Hash(t.Path)
			if err != nil {
				return err
			}
			sums = append(sums, h.SHA256)
		}
	}
	calibration, err := x.calibration(ctx)
	if err != nil {
		return err
	}
	x.findings = gate.Inputs(p, sums, calibration)
	x.refPath = p.Reference.Source
	return x.makeKey(sums)
}

// readTexts reads the policy's texts, or the flags' if there are any.
func (x *gating) readTexts() ([]eval.Text, error) {
	if len(x.texts) > 0 {
		o := measureOptions{Texts: x.texts, Fields: eval.JSONL{Text: "text", Slice: "slice"}}
		return o.texts()
	}
	var out []eval.Text
	for _, t := range x.policy.Data.Eval {
		texts, err := eval.ReadTexts(t.Path, t.Name, eval.JSONL{Text: t.TextField, Slice: t.SliceField})
		if err != nil {
			return nil, err
		}
		for _, e := range texts {
			e.Limit = t.Tokens
			out = append(out, e)
		}
	}
	return out, nil
}

// makeKey names the question: everything that the verdict depends on.
func (x *gating) makeKey(texts []string) error {
	if x.store == nil {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return nil // no key, no stored verdict
	}
	parts := []any{"gate", report.Version, x.policy, x.warnOnly, x.keep}
	for _, t := range x.job.Texts {
		parts = append(parts, t.Name, t.SHA256, t.Limit)
	}
	parts = append(parts, texts)
	files := []string{exe, x.baseline, x.policy.Target.Imatrix, x.policy.Target.Recipe, x.policy.Data.Calibration}
	for _, t := range x.policy.Data.Tasks {
		files = append(files, t.Path)
	}
	for _, f := range files {
		sum := ""
		if f != "" {
			h, err := x.models.sums.Hash(f)
			if err != nil {
				return fmt.Errorf("%w: %w", gguf.ErrInput, err)
			}
			sum = h.SHA256
		}
		parts = append(parts, sum)
	}
	for _, m := range []string{x.gateOptions.candidate, x.policy.Model.Source, x.refPath} {
		sum, err := x.modelSum(m)
		if err != nil {
			return nil // it will be told of where it is used
		}
		parts = append(parts, sum)
	}
	if len(x.policy.Allow) > 0 {
		parts = append(parts, today())
	}
	if x.policy.Needs().Speed {
		parts = append(parts, x.g.threads, latencyPlace())
	}
	x.key, err = cache.Key(parts...)
	return err
}

func (x *gating) modelSum(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	m, err := openModel(path, x.models.src)
	if err != nil {
		return "", err
	}
	defer m.Close()
	id, err := measure.Identify(path, m, x.models.sums.Hash)
	return id.SHA256 + id.Name, err
}

// stored is the verdict of an earlier run with the same key. A built candidate must still be where it was put.
func (x *gating) stored() *report.Report {
	if x.key == "" {
		return nil
	}
	b, ok := x.store.Get(x.key)
	if !ok {
		return nil
	}
	r, err := report.Parse(b)
	if err != nil || r.Gate == nil {
		return nil
	}
	if x.out != "" && (r.Gate.Verdict == report.Pass || x.keep) {
		h, err := x.models.sums.Hash(x.out)
		if err != nil || h.SHA256 != r.Candidate(r.Gate.Candidate).SHA256 {
			return nil
		}
	}
	r.Gate.Cached = true
	return r
}

// keepVerdict stores a verdict. One that could not be reached for lack of quiet or memory may be reached next time.
func (x *gating) keepVerdict(r *report.Report) {
	if x.key == "" || r.Gate.ExitCode == gate.ExitNotMeasured {
		return
	}
	if b, err := report.Marshal(r); err == nil {
		_ = x.store.Put(x.key, b) // a cache that cannot be written costs time only
	}
}

// judge measures until the policy is decided.
func (x *gating) judge(ctx context.Context) (*report.Report, error) {
	if err := x.load(ctx); err != nil {
		return nil, err
	}
	if x.resume {
		r, err := report.Read(x.report)
		if err == nil {
			err = x.job.Resume(r)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("--resume: %w", err)
		}
	}
	available, err := x.job.Available()
	if err != nil {
		return nil, err
	}
	b := newCounter(x.s.err, x.g, "gate")
	defer b.finish()
	x.job.Threads = x.g.threads
	x.job.Progress = func(done, all int, series []*eval.Series) {
		b.describe(figuresSoFar(&x.job, series))
		b.update(int64(done), int64(all))
	}
	loop := gate.Loop{
		Policy: x.policy, Baseline: x.last, Today: today(), WarnOnly: x.warnOnly, Available: available,
		Measure: func(ctx context.Context, tokens int) (*report.Report, error) {
			x.job.MaxTokens = tokens
			r, err := x.job.Run(ctx)
			if err != nil {
				return r, err
			}
			r.Findings = x.findings
			r.Calibration = x.calibrated
			for i, e := range x.extra {
				r.Candidates[i].Tensors, r.Candidates[i].Latency, r.Candidates[i].Tasks = e.tensors, e.latency, e.tasks
			}
			measure.Compare(r)
			return r, nil
		},
	}
	return loop.Run(ctx)
}

// broken makes a verdict of a candidate that cannot be measured; other errors stay what they are. An interrupted run
// leaves its report.
func (x *gating) broken(ctx context.Context, r *report.Report, err error) error {
	if errors.Is(err, context.Canceled) && r != nil && x.report != "" {
		if werr := report.Write(x.report, r); werr != nil {
			return errors.Join(err, werr)
		}
		return &interruption{fmt.Sprintf("interrupted after %d of %d chunks; %s keeps what was measured: go on with --resume", len(r.Candidates[0].Chunks), r.Protocol.Chunks, x.report)}
	}
	var fault *eval.ModelError
	if !errors.As(err, &fault) || fault.Candidate != 0 || !errors.Is(err, gguf.ErrInput) {
		return err
	}
	rule := "candidate-invalid"
	if errors.Is(err, eval.ErrTokenizers) {
		rule = "tokenizer-mismatch"
	}
	bad := x.job.Empty()
	bad.Findings = append(x.findings, report.Finding{Rule: rule, Level: report.Error, Model: x.id.Name, Message: fault.Error()})
	bad.Candidates = []report.Candidate{{Model: x.id, Failure: fault.Error()}}
	g, jerr := gate.Judge(x.policy, bad, 0, x.last, gate.Options{Today: today()})
	if jerr != nil {
		return jerr
	}
	g.Verdict, g.ExitCode = report.Fail, exitInput
	bad.Gate = g
	return x.finish(bad)
}

// publish gives a candidate that was built its name.
func (x *gating) publish(r *report.Report) error {
	if x.built == "" || x.out == "" || r.Gate.Verdict != report.Pass && !x.keep {
		return nil
	}
	x.models.close() // some systems do not rename a file that is mapped
	x.models.open = nil
	return os.Rename(x.built, x.out)
}

// finish writes everything that was asked for, and ends with the verdict.
func (x *gating) finish(r *report.Report) error {
	if err := x.pages.write(x.s, x.g, r, x.report); err != nil {
		return err
	}
	if err := x.ci.write(x.s, r, x.gateOptions.candidate == "", x.policyPath, x.report); err != nil {
		return err
	}
	if r.Gate.ExitCode == 0 {
		return nil
	}
	var ids []string
	for _, g := range r.Gate.Gates {
		if g.Level == report.Error && !g.Waived && g.Verdict != report.Pass {
			ids = append(ids, fmt.Sprintf("%s (%s)", g.ID, g.Verdict))
		}
	}
	msg := fmt.Sprintf("the gate says %s: %s", r.Gate.Verdict, strings.Join(ids, ", "))
	if c := r.Candidate(r.Gate.Candidate); c != nil && c.Failure != "" {
		msg = "the candidate is invalid: " + c.Failure
	}
	return &verdict{r.Gate.ExitCode, msg}
}

func today() string { return time.Now().Format(time.DateOnly) }

// temporary is a folder beside path, or anywhere if there is none.
func temporary(path string) (string, error) {
	if path == "" {
		return os.MkdirTemp("", "carat-gate-")
	}
	return os.MkdirTemp(filepath.Dir(path), ".carat-gate-")
}
