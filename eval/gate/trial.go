package gate

import (
	"fmt"
	"math"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
)

// trial is a gate on its way to a verdict.
type trial struct {
	gate    *Gate
	figures []bounded // one, or one of each slice
	decides int       // the figure that the verdict rests on
	// alpha is what one limit may be wrong by: the gate's, shared out to looks and slices.
	alpha   float64
	passes  bool
	exact   bool    // without sampling error: it cannot fail by chance
	p       float64 // of failing, for all looks and slices; Holm's when holm is done
	verdict string  // when decided before any limits
	why     string  // for the message
}

// try computes a gate's limits.
func (j *judgement) try(g *Gate) *trial {
	m, _ := report.Named(g.Metric)
	t := &trial{gate: g, p: 1}
	var err error
	if t.figures, err = j.figures(g, m); err != nil {
		t.verdict, t.why = report.Skipped, strings.TrimPrefix(err.Error(), report.ErrNotMeasured.Error()+": ")
		return t
	}
	t.why = m.Note(j.subject())
	if m.Kind == report.OfSpeed {
		if t.why = j.noisy(g, t.figures[0]); t.why != "" {
			t.verdict = report.Skipped
			if g.OnNoise == Fail {
				t.verdict = report.Fail
			}
			return t
		}
	}
	share := float64(len(t.figures))
	if m.Kind == report.OfText { // the others are measured once
		share *= j.options.Look.planned()
	}
	t.alpha = (1 - g.Confidence) / share
	t.passes = true
	p, excess, failing := math.Inf(1), math.Inf(-1), 0
	for i := range t.figures {
		fp, fe := t.figures[i].against(g, t.alpha)
		if !(fe <= 0) {
			t.passes = false
		}
		if fe > excess {
			excess, t.decides = fe, i
		}
		if fp < p {
			p, failing = fp, i
		}
	}
	if !t.passes && p <= t.alpha {
		t.decides = failing
	}
	switch t.figures[0].limits.(type) {
	case stats.Exact, stats.Band:
		t.exact, t.p = true, p
	default:
		t.p = math.Min(1, share*p)
	}
	return t
}

// against is the p-value of the claim that the figure violates the gate's bound, and by how much the limit at alpha
// does.
func (f *bounded) against(g *Gate, alpha float64) (p, excess float64) {
	switch {
	case f.few():
		return 1, math.Inf(1)
	case g.Op == AtLeast:
		return f.limits.PBelow(g.Value), g.Value - f.limits.Lower(alpha)
	}
	return f.limits.PAbove(g.Value), f.limits.Upper(alpha) - g.Value
}

// few says that there are too few chunks for limits.
func (f *bounded) few() bool {
	_, exact := f.limits.(stats.Exact)
	return !exact && f.text && f.chunks < MinChunks
}

// noisy says why a figure of the clock cannot be judged on this machine, or "".
func (j *judgement) noisy(g *Gate, f bounded) string {
	s := j.subject()
	spread, ok := s.Noise()
	if !ok {
		return "the noise of the machine was not measured: its A/A check is needed"
	}
	margin := math.Abs(g.Value)
	if g.Versus == "" {
		if margin = math.Abs(f.value/g.Value - 1); g.Value == 0 {
			margin = math.Inf(1)
		}
	} else if o, _ := other(j.policy, j.report, j.baseline, g.Versus); o != nil && o.Speed().CPU != s.Speed().CPU {
		return fmt.Sprintf("the other side was measured on another CPU (%s, here %s)", o.Speed().CPU, s.Speed().CPU)
	}
	if !(spread <= margin) {
		return fmt.Sprintf("the machine's noise is %s and hides the margin of %s", percent(spread), percent(margin))
	}
	return ""
}

// holm adjusts the p-values of failing for being looked at together, the gates of one level at a time. Gates may have
// different confidences: what is adjusted is p in units of the gate's own alpha.
func holm(trials []*trial) {
	for _, level := range []string{report.Error, report.Warn} {
		var family []*trial
		var p []float64
		unit := 1.0
		for _, t := range trials {
			if t.verdict == "" && !t.exact && t.gate.Level == level {
				family = append(family, t)
				unit = math.Min(unit, 1-t.gate.Confidence)
			}
		}
		for _, t := range family {
			p = append(p, t.p*unit/(1-t.gate.Confidence))
		}
		for i, adjusted := range stats.Holm(p) {
			family[i].p = math.Min(1, adjusted*(1-family[i].gate.Confidence)/unit)
		}
	}
}

// result is the gate's, with its verdict.
func (t *trial) result() report.Result {
	g := t.gate
	r := report.Result{
		ID: g.ID, Metric: g.Metric, Scope: g.Scope, Op: g.Op, Limit: g.Value, Confidence: g.Confidence,
		Versus: g.Versus, Level: g.Level, Line: g.Line, Verdict: t.verdict,
	}
	if len(t.figures) > 0 && t.figures[t.decides].limits != nil {
		f := &t.figures[t.decides]
		r.Slice, r.Value, r.Other, r.Paired = f.slice, f.value, f.other, f.paired
		if math.IsInf(f.value, 0) {
			r.Value, r.Infinite = 0, true
		}
		if t.verdict == "" {
			if !f.few() {
				r.Lower, r.Upper = finite(f.limits.Lower(t.alpha)), finite(f.limits.Upper(t.alpha))
			}
			r.PFail = &t.p
			switch {
			case t.passes:
				r.Verdict = report.Pass
			case t.p <= 1-g.Confidence:
				r.Verdict = report.Fail
			default:
				r.Verdict = report.Inconclusive
			}
		}
	}
	r.Message = t.message(&r)
	return r
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}
