package gate

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
)

// other finds the other side of a gate.
func other(p *Policy, r *report.Report, baseline *report.Report, versus string) (*report.Subject, string) {
	switch versus {
	case VersusBaseline:
		if baseline == nil {
			return nil, "there is no baseline report"
		}
		i := -1
		if baseline.Gate != nil {
			i = slices.IndexFunc(baseline.Candidates, func(c report.Candidate) bool { return c.Name == baseline.Gate.Candidate })
		}
		if i < 0 {
			i = slices.IndexFunc(baseline.Candidates, func(c report.Candidate) bool { return c.Role == "" })
		}
		if i < 0 {
			return nil, "the baseline report has no candidate"
		}
		return &report.Subject{Report: baseline, Candidate: &baseline.Candidates[i]}, ""
	case VersusControl:
		i := slices.IndexFunc(r.Candidates, func(c report.Candidate) bool { return c.Role == "control" && c.Name == p.Control.Name })
		if i < 0 {
			i = slices.IndexFunc(r.Candidates, func(c report.Candidate) bool { return c.Role == "control" })
		}
		if i < 0 {
			return nil, "the report has no control"
		}
		return &report.Subject{Report: r, Candidate: &r.Candidates[i]}, ""
	}
	return nil, ""
}

// figure is a metric of one slice, as a gate bounds it.
type bounded struct {
	slice  string // "" for all
	limits stats.Limits
	text   bool // a figure over chunks
	chunks int
	value  float64
	other  *float64
	paired bool
}

// subject is the candidate that is judged.
func (j *judgement) subject() *report.Subject {
	return &report.Subject{Report: j.report, Candidate: &j.report.Candidates[j.candidate]}
}

// figures gives what a gate judges: one figure, or one of each slice.
func (j *judgement) figures(g *Gate, m report.Figure) ([]bounded, error) {
	s := j.subject()
	o, why := other(j.policy, j.report, j.baseline, g.Versus)
	if why != "" {
		return nil, fmt.Errorf("%w: %s", report.ErrNotMeasured, why)
	}
	if m.Kind != report.OfText {
		f, err := plain(m, s, o)
		return []bounded{f}, err
	}
	if s.Failure != "" {
		return nil, fmt.Errorf("%w: the candidate is invalid", report.ErrNotMeasured)
	}
	slices, err := j.slices(g)
	if err != nil {
		return nil, err
	}
	var out []bounded
	for _, name := range slices {
		f, err := ofChunks(g.Metric, s, o, name)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// slices are the names that a gate is about; "" is all text.
func (j *judgement) slices(g *Gate) ([]string, error) {
	if g.Scope == ScopeAll {
		return []string{""}, nil
	}
	want := ""
	if g.Scope != ScopeWorst {
		want = g.Scope[len(scopeSlice):]
	}
	var out []string
	for _, d := range j.report.Data {
		if want == "" || d.Name == want {
			out = append(out, d.Name)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: the report has no slice %s", report.ErrNotMeasured, want)
	}
	return out, nil
}

// series is the part of a subject's chunks in one slice.
func series(s *report.Subject, slice string) *figure.Series {
	all := s.Series()
	if slice == "" {
		return all
	}
	out := &figure.Series{Paired: all.Paired}
	i := slices.IndexFunc(s.Report.Data, func(d report.Data) bool { return d.Name == slice })
	for _, c := range all.Chunks {
		if c.Slice == i {
			out.Chunks = append(out.Chunks, c)
		}
	}
	return out
}

// ofChunks is a figure over chunks. Failing to have one is report.ErrNotMeasured.
func ofChunks(name string, s, o *report.Subject, slice string) (bounded, error) {
	a := series(s, slice)
	f := bounded{slice: slice, text: true, chunks: len(a.Chunks)}
	l, err := a.Widened(name, figure.All)
	if err != nil {
		return f, fmt.Errorf("%w: %w", report.ErrNotMeasured, err)
	}
	if o == nil {
		f.limits, f.value = l, l.Estimate()
		return f, nil
	}
	b := series(o, slice)
	// Candidates of other texts, protocols or references are compared as independent samples, which takes far more text.
	if f.paired = report.SameChunks(s.Report, o.Report); f.paired {
		n := min(len(a.Chunks), len(b.Chunks))
		f.paired = aligned(a.Chunks[:n], b.Chunks[:n])
		if f.paired {
			a, b = &figure.Series{Chunks: a.Chunks[:n], Paired: a.Paired}, &figure.Series{Chunks: b.Chunks[:n], Paired: b.Paired}
		}
	}
	f.chunks = min(len(a.Chunks), len(b.Chunks))
	l, ok, err := figure.Relative(name, a, b, figure.All, f.paired)
	if err != nil {
		return f, fmt.Errorf("%w: %w", report.ErrNotMeasured, err)
	}
	if !ok {
		return f, fmt.Errorf("%w: a relative difference needs figures above 0", report.ErrNotMeasured)
	}
	ol, err := b.Limits(name, figure.All)
	if err != nil {
		return f, fmt.Errorf("%w: %w", report.ErrNotMeasured, err)
	}
	v := ol.Estimate()
	f.limits, f.value, f.other = l, l.Estimate(), &v
	return f, nil
}

// aligned reports whether chunks are of the same tokens, which equal texts cut otherwise are not.
func aligned(a, b []figure.ChunkStats) bool {
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Slice != y.Slice || x.Tokens != y.Tokens || x.Bytes != y.Bytes {
			return false
		}
	}
	return len(a) > 0
}

// plain is a figure of a model, task or clock.
func plain(f report.Figure, s, o *report.Subject) (bounded, error) {
	l, err := f.Limits(s)
	if err != nil || o == nil {
		return bounded{limits: l, value: estimate(l)}, err
	}
	r, paired, err := f.Relative(s, o)
	if err != nil {
		return bounded{}, err
	}
	ol, err := f.Limits(o)
	if err != nil {
		return bounded{}, err
	}
	v := ol.Estimate()
	return bounded{limits: r, value: l.Estimate()/v - 1, other: &v, paired: paired}, nil
}

func estimate(l stats.Limits) float64 {
	if l == nil {
		return 0
	}
	return l.Estimate()
}
