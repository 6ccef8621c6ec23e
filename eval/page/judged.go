package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// What the renderers say about gates and comparisons, in the same words.

// value, limit and the rest are the result's numbers, formatted.
func numberOf(x *report.Result, v float64) string {
	if x.Versus != "" {
		return showRelative(v)
	}
	return show(x.Metric, v)
}

func valueText(x *report.Result) string {
	if x.Verdict == report.Skipped {
		return "–"
	}
	if x.Infinite {
		return "∞"
	}
	return numberOf(x, x.Value)
}

func limitText(x *report.Result) string {
	return map[string]string{"<=": "≤ ", ">=": "≥ "}[x.Op] + numberOf(x, x.Limit)
}

// bound is the confidence limit that a verdict rests on: what passes is within the bound at its worst, what fails is
// not at its best.
func boundText(x *report.Result) string {
	b := x.Upper
	if (x.Op == ">=") != (x.Verdict == report.Fail) {
		b = x.Lower
	}
	if b == nil || x.Verdict == report.Skipped || isExact(x) {
		return ""
	}
	return numberOf(x, *b)
}

// interval is both limits.
func intervalText(x *report.Result) string {
	if x.Lower == nil || x.Upper == nil || x.Verdict == report.Skipped || isExact(x) {
		return ""
	}
	if x.Versus != "" {
		return showRelativeInterval(&figure.Interval{Low: *x.Lower, High: *x.Upper})
	}
	return showInterval(x.Metric, &figure.Interval{Low: *x.Lower, High: *x.Upper})
}

// exact says that there is nothing between the limits: the figure is no sample's.
func isExact(x *report.Result) bool { return x.Lower != nil && x.Upper != nil && *x.Lower == *x.Upper }

// what is "kld.mean of code, the worst slice, against control".
func whatText(x *report.Result) string {
	s := clean(x.Metric)
	switch {
	case x.Scope == "worst_slice" && x.Slice != "":
		s += " of " + clean(x.Slice) + ", the worst slice"
	case x.Scope == "worst_slice":
		s += " of the worst slice"
	case x.Slice != "":
		s += " of " + clean(x.Slice)
	case strings.HasPrefix(x.Scope, "slice:"):
		s += " of " + clean(strings.TrimPrefix(x.Scope, "slice:"))
	}
	if x.Versus != "" {
		s += " against the " + clean(x.Versus)
	}
	return s
}

// verdict is the word shown: a waived failure is no failure, one of the level warn does not decide.
func verdictText(x *report.Result) string {
	switch {
	case x.Waived && x.Verdict != report.Pass:
		return x.Verdict + ", waived"
	case x.Level == report.Warn && x.Verdict != report.Pass && x.Verdict != report.Skipped:
		return x.Verdict + ", warning only"
	}
	return x.Verdict
}

// decides says that the result counts in the whole verdict.
func decides(x *report.Result) bool { return !x.Waived && x.Level != report.Warn }

// outcome is "1 failed (top1), 1 inconclusive (tail), 3 passed, 1 skipped (speed), 1 waived (ppl)".
func outcome(g *report.Gate) string {
	var s []string
	add := func(word string, names bool, in func(*report.Result) bool) {
		var ids []string
		for i := range g.Gates {
			if in(&g.Gates[i]) {
				ids = append(ids, clean(g.Gates[i].ID))
			}
		}
		switch {
		case len(ids) == 0:
		case names:
			s = append(s, fmt.Sprintf("%d %s (%s)", len(ids), word, strings.Join(ids, ", ")))
		default:
			s = append(s, fmt.Sprintf("%d %s", len(ids), word))
		}
	}
	is := func(v string) func(*report.Result) bool {
		return func(x *report.Result) bool {
			return x.Verdict == v && (decides(x) || v == report.Pass || v == report.Skipped && !x.Waived)
		}
	}
	add("failed", true, is(report.Fail))
	add("inconclusive", true, is(report.Inconclusive))
	add("passed", false, is(report.Pass))
	add("skipped", true, is(report.Skipped))
	add("waived", true, func(x *report.Result) bool { return x.Waived && x.Verdict != report.Pass })
	add("with a warning", true, func(x *report.Result) bool {
		return !x.Waived && x.Level == report.Warn && (x.Verdict == report.Fail || x.Verdict == report.Inconclusive)
	})
	if len(s) == 0 {
		return "no gates"
	}
	return strings.Join(s, ", ")
}

// effort is "3 looks, 1512 of at most 262144 tokens".
func effort(g *report.Gate) string {
	s := fmt.Sprintf("%s, %d", count(g.Looks, "look"), g.Tokens)
	if g.MaxTokens > g.Tokens { // the last chunk is scored whole
		s += fmt.Sprintf(" of at most %d", g.MaxTokens)
	}
	s += " tokens"
	return s
}

// stored is said of verdicts that come from the cache.
func storedText(g *report.Gate) string {
	if !g.Cached {
		return ""
	}
	return "a stored verdict: nothing it depends on has changed"
}

// untold are the waivers that no gate's message tells of: those that were not needed.
func untold(g *report.Gate) []report.Waiver {
	return slices.DeleteFunc(slices.Clone(g.Waivers), func(w report.Waiver) bool {
		return slices.ContainsFunc(g.Gates, func(x report.Result) bool { return x.ID == w.Gate && x.Waived && strings.Contains(x.Message, w.Reason) })
	})
}

// sentence says what a comparison shows: "A is 31.0 % below B in kld.mean (-34 % to -28 %, p < 0.001)".
func sentence(c *report.Comparison) string {
	what := "does not differ significantly from"
	switch c.Better {
	case "a":
		what = "is better than"
	case "b":
		what = "is worse than"
	}
	s := fmt.Sprintf("%s %s %s: %s %s", clean(c.A), what, clean(c.B), clean(c.Metric), showRelative(c.Relative))
	if ci := showRelativeInterval(c.CI); ci != "" {
		s += " (" + ci + ")"
	}
	return s
}

// split divides the comparisons in significant ones and others.
func differences(r *report.Report) (significant, others []*report.Comparison) {
	for i := range r.Comparisons {
		if c := &r.Comparisons[i]; c.Better != "" {
			significant = append(significant, c)
		} else {
			others = append(others, c)
		}
	}
	return significant, others
}

// comparedFigure holds the comparisons in one figure.
type comparedFigure struct {
	metric         string
	differ, others []*report.Comparison
}

// comparedFigures groups the comparisons by figure, in the order of the report.
func comparedFigures(r *report.Report) (out []*comparedFigure) {
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		k := slices.IndexFunc(out, func(f *comparedFigure) bool { return f.metric == c.Metric })
		if k < 0 {
			k = len(out)
			out = append(out, &comparedFigure{metric: c.Metric})
		}
		if c.Better != "" {
			out[k].differ = append(out[k].differ, c)
		} else {
			out[k].others = append(out[k].others, c)
		}
	}
	return out
}

// shortHash is enough of a SHA-256 to recognise it.
func shortHash(s string) string { return s[:min(12, len(s))] }
