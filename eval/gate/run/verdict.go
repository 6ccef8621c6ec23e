package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/report"
)

// stored is the verdict of an earlier run with the same key, or nil. A candidate that was built must still be where it
// was put.
func (in *Inputs) stored(key string, env *Env) *report.Report {
	if key == "" {
		return nil
	}
	b, ok := env.Store.Get(key)
	if !ok {
		return nil
	}
	r, err := report.Parse(b)
	if err != nil || r.Gate == nil {
		return nil
	}
	if in.Out != "" && (r.Gate.Verdict == report.Pass || in.Keep) {
		h, err := env.Sums.Hash(in.Out)
		if err != nil || h.SHA256 != r.Candidate(r.Gate.Candidate).SHA256 {
			return nil
		}
	}
	r.Gate.Cached = true
	return r
}

// remember stores a verdict. What could not be measured now may be measured next time, and what is invalid is found
// soon.
func (v *Verdict) remember(key string, env *Env) {
	g := v.Report.Gate
	if key == "" || g.ExitCode == gate.ExitNotMeasured || g.ExitCode == gate.ExitInvalid || v.llamaFailed() {
		return
	}
	b, err := report.Marshal(v.Report)
	if err == nil {
		err = env.Store.Put(key, b)
	}
	if err != nil {
		env.Note("the verdict is not stored: %v", err)
	}
}

// llamaFailed says that llama.cpp is there and gave no answer.
func (v *Verdict) llamaFailed() bool {
	c := v.Report.Candidate(v.Report.Gate.Candidate)
	return v.Inputs.Llama != nil && c != nil && c.Parity != nil && c.Parity.Unmeasured != ""
}

// Built says that the candidate was built by this run, and may be given its name.
func (v *Verdict) Built() bool { return v.Candidate != nil && v.Candidate.Built }

// Publishes says that what was built is to be given its name.
func (v *Verdict) Publishes() bool {
	return v.Built() && v.Inputs.Out != "" && (v.Report.Gate.Verdict == report.Pass || v.Inputs.Keep)
}

// KeepBaseline makes the report the latest baseline when it is a release's: one that passed with that profile or is
// asked for by a name. The first one asked for has no baseline to be judged by; that alone does not keep it out.
func (v *Verdict) KeepBaseline(name string, env *Env) {
	r, asked := v.Report, name != ""
	if env.Store == nil || !asked && (v.Inputs.Policy.Profile != "release" || v.Inputs.WarnOnly) {
		return
	}
	first := asked && v.Inputs.Baseline == nil
	c := r.Candidate(r.Gate.Candidate)
	if !r.Complete || c.Failure != "" || slices.ContainsFunc(r.Gate.Gates, func(g report.Result) bool {
		missing := g.Verdict == report.Skipped && g.Versus == gate.VersusBaseline
		return g.Level == report.Error && !g.Waived && g.Verdict != report.Pass && !(first && missing)
	}) {
		if asked {
			env.Note("--save-baseline: not kept, as the candidate does not pass")
		}
		return
	}
	fresh, verdict := *r, *r.Gate
	verdict.Cached = false
	fresh.Gate = &verdict
	b, err := report.Marshal(&fresh)
	if err == nil {
		names := []string{c.SHA256}
		if asked {
			names = append(names, name)
		}
		err = env.Store.KeepBaseline(b, names...)
	}
	if err != nil {
		env.Note("the baseline is not kept: %v", err)
	}
}

// Summary says which gates decided against a candidate.
func (v *Verdict) Summary() string {
	g := v.Report.Gate
	if c := v.Report.Candidate(g.Candidate); c != nil && c.Failure != "" {
		return "the candidate is invalid: " + c.Failure
	}
	var ids []string
	for _, x := range g.Gates {
		if x.Level == report.Error && !x.Waived && x.Verdict != report.Pass {
			ids = append(ids, fmt.Sprintf("%s (%s)", x.ID, x.Verdict))
		}
	}
	return fmt.Sprintf("the gate says %s: %s", g.Verdict, strings.Join(ids, ", "))
}
