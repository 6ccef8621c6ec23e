package main

import (
	"os"
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/measure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/runtime/kernel"
)

// question is everything that a verdict depends on. Its SHA-256 is where the verdict is stored.
type question struct {
	Verb     string
	Schema   int
	Kernel   string // what the program computes with
	Policy   *gate.Policy
	Texts    []string          // SHA-256 of the policy's texts
	Files    map[string]string // SHA-256 of others and of the program, by what they are for
	Baseline any               // the report, but for how it was judged
	Models   map[string]string // name and SHA-256
	Options  any               // of conversion
	Name     string            // of what is built
	Llama    string            // the version of llama.cpp, whose program may be no more than a start of its libraries
	WarnOnly bool
	Day      string // when waivers end
	Machine  []any  // when speed is measured
}

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

// ask fills in key, which stays empty when there is no store or the question cannot be put.
func (x *gating) ask(texts []string) {
	if x.store == nil {
		return
	}
	if q, ok := x.question(texts); ok {
		x.key, _ = cache.Key(q)
	}
}

// question is about texts of these sums. It cannot be put when something cannot be hashed: where that is used, the error
// has its place.
func (x *gating) question(texts []string) (q question, ok bool) {
	exe, err := os.Executable()
	if err != nil {
		return q, false
	}
	p := x.policy
	q = question{
		Verb: "gate", Schema: report.Version, Kernel: kernel.Tier(), Policy: p, Texts: texts, Options: x.models.src, WarnOnly: x.warnOnly,
		Files: map[string]string{}, Models: map[string]string{},
	}
	if x.given == "" {
		q.Name = x.builtName()
	}
	files := map[string]string{
		"carat": exe, "imatrix": p.Target.Imatrix, "recipe": p.Target.Recipe, "calibration": p.Data.Calibration,
		"metadata": x.models.src.MetadataFile,
	}
	if x.llama != nil {
		files["llama-perplexity"], q.Llama = x.llama.Path, x.llama.Version
	}
	for _, t := range p.Data.Tasks {
		files["task "+t.Name] = t.Path
	}
	for role, path := range files {
		if path == "" {
			continue
		}
		h, err := x.models.sums.Hash(path)
		if err != nil {
			return q, false
		}
		q.Files[role] = h.SHA256
	}
	seen := map[string]string{}
	for role, path := range map[string]string{"candidate": x.given, "source": p.Model.Source, "reference": p.Reference.Source} {
		if path == "" {
			continue
		}
		if seen[path] == "" {
			if seen[path], err = x.modelSum(path); err != nil {
				return q, false
			}
		}
		q.Models[role] = seen[path]
	}
	if x.last != nil {
		last := *x.last
		last.Gate = nil
		q.Baseline = []any{last, judgedOf(x.last)}
	}
	if len(p.Allow) > 0 {
		q.Day = today()
	}
	if p.Needs().Speed {
		q.Machine = []any{latency.CPUName(), x.g.threads}
	}
	return q, true
}

// judgedOf is the candidate that a report judges, or "".
func judgedOf(r *report.Report) string {
	if r.Gate == nil {
		return ""
	}
	return r.Gate.Candidate
}

// modelSum is a model's SHA-256 and name, which reports show.
func (x *gating) modelSum(path string) (string, error) {
	m, err := openModel(path, x.models.src)
	if err != nil {
		return "", err
	}
	defer m.Close()
	id, err := measure.Identify(path, m, x.models.sums.Hash)
	return id.SHA256 + " " + id.Name, err
}

// stored is the verdict of an earlier run with the same key, or nil. A candidate that was built must still be where it
// was put.
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

// remember stores a verdict. What could not be measured now may be measured next time, and what is invalid is found
// soon.
func (x *gating) remember(r *report.Report) {
	if x.key == "" || r.Gate.ExitCode == gate.ExitNotMeasured || r.Gate.ExitCode == gate.ExitInvalid || x.unanswered(r) {
		return
	}
	b, err := report.Marshal(r)
	if err == nil {
		err = x.store.Put(x.key, b)
	}
	if err != nil {
		x.note("the verdict is not stored: %v", err)
	}
}

// unanswered says that llama.cpp is there and gave no answer.
func (x *gating) unanswered(r *report.Report) bool {
	c := r.Candidate(r.Gate.Candidate)
	return x.llama != nil && c != nil && c.Parity != nil && c.Parity.Unmeasured != ""
}

// keepBaseline makes the report the latest baseline when it is a release's: one that passed with that profile or is
// asked for. The first one asked for has no baseline to be judged by; that alone does not keep it out.
func (x *gating) keepBaseline(r *report.Report) {
	asked := x.saveBaseline != ""
	if x.store == nil || !asked && (x.policy.Profile != "release" || x.warnOnly) {
		return
	}
	first := asked && x.last == nil
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
