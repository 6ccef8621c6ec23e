package main

import (
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/report"
)

// openStore opens the cache. Without one that can be used a run takes longer, and that is all.
func (x *gating) openStore() {
	if x.cache == "" {
		return
	}
	store, err := cache.Open(x.cache)
	if err != nil {
		x.note("no verdict is stored: the cache: %v", err)
		return
	}
	x.store, x.models.sums = store, store.Sums
}

// stored is the verdict of an earlier run with the same key, or nil. A candidate that was built must still be where it
// was put.
func (x *gating) stored() *report.Report {
	if x.storeKey == "" {
		return nil
	}
	b, ok := x.store.Get(x.storeKey)
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

// remember stores a verdict. What could not be measured now may be measured next time, and what is invalid is found
// soon.
func (x *gating) remember(r *report.Report) {
	if x.storeKey == "" || r.Gate.ExitCode == gate.ExitNotMeasured || r.Gate.ExitCode == gate.ExitInvalid || x.unanswered(r) {
		return
	}
	b, err := report.Marshal(r)
	if err == nil {
		err = x.store.Put(x.storeKey, b)
	}
	if err != nil {
		x.note("the verdict is not stored: %v", err)
	}
}

// unanswered says that llama.cpp is there and gave no answer.
func (x *gating) unanswered(r *report.Report) bool {
	c := r.Candidate(r.Gate.Candidate)
	return x.Llama != nil && c != nil && c.Parity != nil && c.Parity.Unmeasured != ""
}

// keepBaseline makes the report the latest baseline when it is a release's: one that passed with that profile or is
// asked for. The first one asked for has no baseline to be judged by; that alone does not keep it out.
func (x *gating) keepBaseline(r *report.Report) {
	asked := x.saveBaseline != ""
	if x.store == nil || !asked && (x.policy.Profile != "release" || x.warnOnly) {
		return
	}
	first := asked && x.Baseline == nil
	c := r.Candidate(r.Gate.Candidate)
	if !r.Complete || c.Failure != "" || slices.ContainsFunc(r.Gate.Gates, func(g report.Result) bool {
		missing := g.Verdict == report.Skipped && g.Versus == gate.VersusBaseline
		return g.Level == report.Error && !g.Waived && g.Verdict != report.Pass && !(first && missing)
	}) {
		if asked {
			x.note("--save-baseline: not kept, as the candidate does not pass")
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
			names = append(names, x.saveBaseline)
		}
		err = x.store.KeepBaseline(b, names...)
	}
	if err != nil {
		x.note("the baseline is not kept: %v", err)
	}
}

func today() string { return time.Now().Format(time.DateOnly) }
