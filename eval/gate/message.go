package gate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// message says in a sentence what was found: "kld.mean 0.0421 (95 % limit 0.0467) <= 0.05 in slice code: pass".
func (t *trial) message(r *report.Result) string {
	var b strings.Builder
	b.WriteString(r.Metric)
	if t.verdict == report.Skipped {
		if r.Slice != "" {
			fmt.Fprintf(&b, " in slice %s", r.Slice)
		}
		fmt.Fprintf(&b, " could not be judged: %s: skipped", t.why)
		return b.String()
	}
	show := report.Number
	if r.Versus != "" {
		show = signedPercent
		if r.Other != nil {
			fmt.Fprintf(&b, " is %s against the %s's %s", show(r.Value), r.Versus, report.Number(*r.Other))
		}
	} else if r.Infinite {
		b.WriteString(" is infinite and")
	} else {
		b.WriteString(" " + show(r.Value))
	}
	b.WriteString(t.limits(r, show))
	switch r.Verdict {
	case report.Pass:
		fmt.Fprintf(&b, " %s %s", r.Op, show(r.Limit))
	case report.Fail:
		fmt.Fprintf(&b, " is not %s %s", r.Op, show(r.Limit))
	default:
		fmt.Fprintf(&b, " may or may not be %s %s", r.Op, show(r.Limit))
	}
	if r.Slice != "" {
		fmt.Fprintf(&b, " in slice %s", r.Slice)
	}
	var notes []string
	if t.why != "" {
		notes = append(notes, t.why)
	}
	if r.Versus != "" && !r.Paired && t.figures[t.decides].text {
		notes = append(notes, "not paired: the "+r.Versus+" was measured over other text or against another reference, so differences are seen far less well")
	}
	if f := &t.figures[t.decides]; f.few() {
		notes = append(notes, fmt.Sprintf("%d chunks give no limits, at least %d do", f.chunks, MinChunks))
	}
	if len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, "; "))
	}
	return b.String() + ": " + r.Verdict
}

// limits shows the one that the verdict rests on, or both when there is none.
func (t *trial) limits(r *report.Result, show func(float64) string) string {
	if t.exact && r.Lower != nil && r.Upper != nil && *r.Lower == *r.Upper {
		return ""
	}
	level := report.Number(100*r.Confidence) + " %"
	side := func(v *float64) string {
		if v == nil {
			return "none"
		}
		return show(*v)
	}
	switch {
	case r.Lower == nil && r.Upper == nil:
		return ""
	case r.Verdict == report.Inconclusive:
		return fmt.Sprintf(" (%s limits %s and %s)", level, side(r.Lower), side(r.Upper))
	case (r.Op == AtMost) == (r.Verdict == report.Pass):
		return fmt.Sprintf(" (%s limit %s)", level, side(r.Upper))
	}
	return fmt.Sprintf(" (%s limit %s)", level, side(r.Lower))
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

func signedPercent(v float64) string {
	if v >= 999 { // the other side is next to nothing
		return "more than 1000 times"
	}
	return fmt.Sprintf("%+.1f %%", 100*v)
}
