// Package run judges a model by a policy, from files to a verdict.
//
// It goes through phases, each of which takes values and gives one:
//
//	Request ─► Inputs ─► Candidate ─► Measured ─► Verdict
//	        read       build        load        judge
//
// [Read] reads everything but models, [Build] makes the candidate unless it is given, [Load] loads the models and
// measures what is measured once, and [Measured.Judge] scores text until the policy is decided. [Run] does all of it,
// or takes the verdict of an earlier run: it is stored under the key of its [Inputs], the SHA-256 of that whole value,
// so that whatever a verdict depends on is in its key.
//
// What comes of a verdict is the caller's: files that are written, a candidate that gets its name ([Candidate.Move]),
// a report that is kept as the baseline of the next run ([Verdict.KeepBaseline]).
package run

import (
	"context"
	"errors"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
)

// Request says what to judge, and by what. The tag leaves out of the key what only says where something is, or where
// results go: the content of what is read is in Inputs.
type Request struct {
	Policy   *gate.Policy // flags have taken the places of what it said
	WarnOnly bool
	// Convert says how folders are read, and Computation how models are computed.
	Convert     any
	Computation report.Computation
	Given       string `key:"-"` // path of the candidate; "" when it is built
	Out         string `key:"-"` // path of what is built, when it passes; it is made beside it
	Keep        bool   `key:"-"` // Out is written whatever the verdict
	LastReport  string `key:"-"` // path of the baseline's report; "" for the policy's
	Resume      string `key:"-"` // path of the report of an interrupted run to go on from; "" for none
}

// Env is what a run works with.
type Env struct {
	// Open opens a model; folders are read as dtype, if that is not "".
	Open    func(path, dtype string) (gguf.Model, error)
	Models  *job.Loader
	Store   *cache.Dir  // of verdicts and baselines; nil for none
	Sums    *cache.Sums // of files; nil for none
	Threads int
	Today   string // the day on which waivers end, 2026-12-31
	// Note tells something that does not change the outcome.
	Note func(format string, args ...any)
	// Planned is told of each file that is to be built.
	Planned func(p *quantize.Plan)
	// Progress begins to show how far something is, in bytes or as a count.
	Progress func(title string, counts bool) Progress
}

// Progress shows how far something is, until it is finished.
type Progress interface {
	Update(done, total int64)
	Describe(title string)
	Finish()
}

// UsageError is a request that cannot be meant.
type UsageError struct{ error }

func (e *UsageError) Unwrap() error { return e.error }

// Verdict is what came of a request.
type Verdict struct {
	Report    *report.Report // without a Gate when the run was interrupted
	Inputs    *Inputs
	Candidate *Candidate // nil for a stored verdict
}

// Run does all phases. Once there is a candidate, it is returned even beside an error, and Candidate.Close ends it, when the
// models are closed: some systems keep a file that is mapped. An interruption leaves the report of what was measured, if
// anything was.
func Run(ctx context.Context, req Request, env *Env) (v *Verdict, err error) {
	defer func() { _ = env.Sums.Save() }() // they save time only
	in, err := Read(ctx, req, env)
	if err != nil {
		return nil, err
	}
	v = &Verdict{Inputs: in}
	key := in.Key(env)
	if v.Report = in.stored(key, env); v.Report != nil {
		return v, nil
	}
	if v.Candidate, err = Build(ctx, in, env); err != nil {
		return nil, err
	}
	m, err := Load(ctx, in, v.Candidate, env)
	if err == nil {
		v.Report, err = m.Judge(ctx)
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return v, err
		}
		if v.Report, err = m.invalid(err); err != nil {
			return v, err
		}
	}
	v.remember(key, env)
	return v, nil
}
