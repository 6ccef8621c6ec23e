package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/ci"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// gating is one run of the gate: inputs, the stored verdict or else build, measure and judge, and what is written.
type gating struct {
	gateInputs
	s      streams
	g      global
	models *models

	job      job.Job
	findings []report.Finding // those of the inputs and of the candidate
	store    *cache.Dir       // nil for none
	storeKey string           // of the verdict in store; "" for none

	folder    *atomicfile.Scratch // of what was built
	made      string              // the candidate's temporary file, when it was built
	candidate string              // the file that is measured
	id        report.Model        // the candidate's
	control   string              // the control's temporary file, when there is one
	extra     []beside            // of each of the job's candidates
}

// verdict is the end of a gate that did not pass.
type verdict struct {
	code int
	msg  string
}

func (v *verdict) Error() string { return v.msg }

func (x *gating) run(ctx context.Context) error {
	x.openStore()
	defer func() { _ = x.models.sums.Save() }() // they save time only
	if err := x.inputs(ctx); err != nil {
		return err
	}
	if r := x.stored(); r != nil {
		return x.finish(r)
	}
	var err error
	x.folder, err = x.build(ctx)
	defer func() {
		x.models.close() // some systems keep a file that is mapped
		x.folder.Close()
	}()
	if err != nil {
		return err
	}
	r, err := x.judge(ctx)
	if err != nil {
		if r, err = x.unjudged(r, err); err != nil {
			return err
		}
	}
	x.remember(r)
	return x.finish(r)
}

// unjudged makes the verdict of a candidate that is invalid. Other errors stay what they are; an interruption leaves the
// report of what was measured.
func (x *gating) unjudged(r *report.Report, err error) (*report.Report, error) {
	if errors.Is(err, context.Canceled) && r != nil {
		var o outputs
		defer o.abort()
		if err := (pages{}).stage(r, x.report, &o); err != nil {
			return nil, err
		}
		if err := o.commit(x.s); err != nil {
			return nil, err
		}
		m := measureOptions{Report: x.report}
		return nil, m.interrupted(fmt.Sprintf("interrupted after chunk %d of %d", chunksDone(r), r.Protocol.Chunks))
	}
	var fault *evalrun.ModelError
	if !errors.As(err, &fault) || fault.Candidate != 0 || !errors.Is(err, gguf.ErrInput) {
		return nil, err
	}
	r = x.job.Empty()
	r.Findings, r.Calibration = x.findings, x.Calibration
	m := job.Model{ID: x.id}
	x.job.Fail(&m, x.candidate, fault)
	return r, gate.Invalidate(x.policy, r, x.id, fault, m.Failure, x.Baseline, today())
}

// publish has a candidate that was built get its name.
func (x *gating) publish(r *report.Report, o *outputs) error {
	if x.made == "" || x.out == "" || r.Gate.Verdict != report.Pass && !x.keep {
		return nil
	}
	x.models.close() // some systems do not rename a file that is mapped
	return x.folder.Move(x.made, x.out, &o.files)
}

// finish writes everything that was asked for, the candidate together with its reports and pages, and ends with the
// verdict.
func (x *gating) finish(r *report.Report) error {
	var o outputs
	defer o.abort()
	run := ci.RunOf(os.Getenv)
	run.Built, run.Parameters = x.made != "", x.built
	if err := errors.Join(x.publish(r, &o), x.ci.stage(x.s, x.g, r, run, &o)); err != nil {
		return err
	}
	if err := x.pages.write(x.s, x.g, r, x.report, r, &o); err != nil {
		return err
	}
	x.keepBaseline(r)
	if err := x.ci.tell(x.s, r, ci.GitHubOptions{PolicyPath: x.policyPath, ReportPath: x.report, Markdown: page.Markdown}); err != nil {
		return err
	}
	if r.Gate.ExitCode == 0 {
		return nil
	}
	return &verdict{r.Gate.ExitCode, inShort(r)}
}

// inShort says which gates decided against a candidate.
func inShort(r *report.Report) string {
	if c := r.Candidate(r.Gate.Candidate); c != nil && c.Failure != "" {
		return "the candidate is invalid: " + c.Failure
	}
	var ids []string
	for _, g := range r.Gate.Gates {
		if g.Level == report.Error && !g.Waived && g.Verdict != report.Pass {
			ids = append(ids, fmt.Sprintf("%s (%s)", g.ID, g.Verdict))
		}
	}
	return fmt.Sprintf("the gate says %s: %s", r.Gate.Verdict, strings.Join(ids, ", "))
}

// note tells something that does not change the outcome.
func (x *gating) note(format string, args ...any) {
	if !x.g.quiet {
		printf(x.s.err, "carat: note: "+format+"\n", args...)
	}
}
