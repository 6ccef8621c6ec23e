package gate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
)

// Paired reports whether the candidates of two reports can be compared chunk by chunk: same texts, protocol and
// reference. Otherwise they are compared as independent samples, which takes far more text.
func Paired(a, b *report.Report) bool { return report.SameChunks(a, b) }

// other finds the other side of a gate.
func other(p *Policy, r *report.Report, baseline *report.Report, versus string) (*subject, string) {
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
		return &subject{baseline, &baseline.Candidates[i]}, ""
	case VersusControl:
		i := slices.IndexFunc(r.Candidates, func(c report.Candidate) bool { return c.Role == "control" && c.Name == p.Control.Name })
		if i < 0 {
			i = slices.IndexFunc(r.Candidates, func(c report.Candidate) bool { return c.Role == "control" })
		}
		if i < 0 {
			return nil, "the report has no control"
		}
		return &subject{r, &r.Candidates[i]}, ""
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

// figures gives what a gate judges: one figure, or one of each slice.
func (j *judgement) figures(g *Gate, m metric) ([]bounded, error) {
	s := subject{j.report, &j.report.Candidates[j.candidate]}
	o, why := other(j.policy, j.report, j.baseline, g.Versus)
	if why != "" {
		return nil, fmt.Errorf("%w: %s", errNotMeasured, why)
	}
	if m.kind != ofText {
		f, err := plain(m, s, o)
		return []bounded{f}, err
	}
	if s.Failure != "" {
		return nil, fmt.Errorf("%w: the candidate is invalid", errNotMeasured)
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
		return nil, fmt.Errorf("%w: the report has no slice %s", errNotMeasured, want)
	}
	return out, nil
}

// series is the part of a subject's chunks in one slice.
func (s *subject) series(slice string) *figure.Series {
	all := s.Candidate.Series()
	if slice == "" {
		return all
	}
	out := &figure.Series{Paired: all.Paired}
	i := slices.IndexFunc(s.report.Data, func(d report.Data) bool { return d.Name == slice })
	for _, c := range all.Chunks {
		if c.Slice == i {
			out.Chunks = append(out.Chunks, c)
		}
	}
	return out
}

// ofChunks is a figure over chunks. Failing to have one is errNotMeasured.
func ofChunks(name string, s subject, o *subject, slice string) (bounded, error) {
	a := s.series(slice)
	f := bounded{slice: slice, text: true, chunks: len(a.Chunks)}
	l, err := a.Limits(name, figure.All)
	if err != nil {
		return f, fmt.Errorf("%w: %w", errNotMeasured, err)
	}
	if o == nil {
		f.limits, f.value = l, l.Estimate()
		if name == "kld.mean" {
			f.limits = loosened(l, a.Chunks)
		}
		return f, nil
	}
	b := o.series(slice)
	if f.paired = Paired(s.report, o.report); f.paired {
		n := min(len(a.Chunks), len(b.Chunks))
		f.paired = aligned(a.Chunks[:n], b.Chunks[:n])
		if f.paired {
			a, b = &figure.Series{Chunks: a.Chunks[:n], Paired: a.Paired}, &figure.Series{Chunks: b.Chunks[:n], Paired: b.Paired}
		}
	}
	f.chunks = min(len(a.Chunks), len(b.Chunks))
	l, ok, err := figure.Relative(name, a, b, figure.All, f.paired)
	if err != nil {
		return f, fmt.Errorf("%w: %w", errNotMeasured, err)
	}
	if !ok {
		return f, fmt.Errorf("%w: a relative difference needs figures above 0", errNotMeasured)
	}
	ol, err := b.Limits(name, figure.All)
	if err != nil {
		return f, fmt.Errorf("%w: %w", errNotMeasured, err)
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

// above widens limits upwards by what a stored reference may hide.
type above struct {
	stats.Limits
	by float64
}

func (a above) Upper(alpha float64) float64  { return a.Limits.Upper(alpha) + a.by }
func (a above) PBelow(bound float64) float64 { return a.Limits.PBelow(bound - a.by) }

func loosened(l stats.Limits, c []figure.ChunkStats) stats.Limits {
	var bound, tokens float64
	for i := range c {
		bound += c[i].KLDBound
		tokens += float64(c[i].Tokens)
	}
	if bound <= 0 {
		return l
	}
	return above{l, bound / tokens}
}

// plain is a figure of a model, task or clock.
func plain(m metric, s subject, o *subject) (bounded, error) {
	l, err := m.limits(&s)
	if err != nil {
		return bounded{}, err
	}
	if o == nil {
		return bounded{limits: l, value: l.Estimate()}, nil
	}
	ol, err := m.limits(o)
	if err != nil {
		return bounded{}, fmt.Errorf("the other side: %w", err)
	}
	v := ol.Estimate()
	if !(v > 0) || !(l.Estimate() > 0) {
		return bounded{}, fmt.Errorf("%w: a relative difference needs figures above 0", errNotMeasured)
	}
	f := bounded{value: l.Estimate()/v - 1, other: &v}
	switch a := l.(type) {
	case stats.Exact:
		f.limits = stats.Exact(f.value)
	case band:
		b := ol.(band)
		f.limits = band{f.value, (1 + f.value) * (a.reach/a.value + b.reach/b.value)}
	case stats.Quantile:
		f.limits = stats.Scaled(stats.QuantileQuotient{A: a.Sample, B: ol.(stats.Quantile).Sample, P: a.P}, 1, -1)
	case stats.Binomial:
		f.limits, f.paired, err = relativeTask(m, s, *o)
	default:
		err = errors.New("bug: limits without a relative difference")
	}
	return f, err
}

// relativeTask pairs items when both answered the same.
func relativeTask(m metric, s, o subject) (stats.Limits, bool, error) {
	name := taskName(m.name)
	x, y := s.task(name), o.task(name)
	a, b := m.clusters(x), m.clusters(y)
	paired := x.SHA256 == y.SHA256 && len(a) == len(b)
	var l stats.Student
	var ok bool
	if paired {
		l, ok = stats.LogQuotient(a, b)
	} else {
		l, ok = stats.LogQuotientUnpaired(stats.Ratio(a), stats.Ratio(b))
	}
	if !ok {
		return nil, false, errNotMeasured
	}
	return stats.Scaled(stats.Exp(l), 1, -1), paired, nil
}
