package page

import (
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// show formats the value of a figure as its kind is read: shares in per cent, sizes in the unit a person would use.
func show(metric string, v float64) string { return report.Show(metric, v) }

// valueOf is the figure in m, with its interval where there is one.
func valueOf(f figure.Figure, m *figure.Metrics) (v float64, ci *figure.Interval) {
	e := f.Value(m)
	return e.Value, e.CI
}

func showInterval(metric string, ci *figure.Interval) string {
	return interval(func(v float64) string { return show(metric, v) }, ci)
}

// interval formats both ends.
func interval(format func(v float64) string, ci *figure.Interval) string {
	if ci == nil {
		return ""
	}
	low, high := format(ci.Low), format(ci.High)
	if ci.Low < 0 {
		return low + " to " + high // a dash would look like a sign
	}
	return strings.TrimSuffix(low, " %") + " – " + high
}
