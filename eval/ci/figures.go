package ci

import (
	"math"
	"strconv"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// datum is one figure of a candidate, as metrics stores want them: flat.
type datum struct {
	figure.Info
	slice string // "" for all text
	value float64
	ci    *figure.Interval
}

// id is unique among a candidate's figures: "kld.mean" or "kld.mean/code".
func (d datum) id() string {
	if d.slice == "" {
		return d.Name
	}
	return d.Name + "/" + d.slice
}

// number is v with as many digits as it takes to read it back.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// figures lists what was measured of a candidate and is worth following: of all text, by slice, tasks, size, speed.
// Numbers that are none are left out.
func figures(r *report.Report, c *report.Candidate) (out []datum) {
	add := func(d datum) {
		if d.History && !math.IsNaN(d.value) && !math.IsInf(d.value, 0) {
			out = append(out, d)
		}
	}
	ofText := func(slice string, m *figure.Metrics) {
		if m == nil {
			return
		}
		for _, f := range figure.Of(m) {
			e := f.Value(m)
			add(datum{f.Info, slice, e.Value, e.CI})
		}
	}
	ofText("", c.Metrics)
	for _, s := range c.Slices {
		ofText(s.Name, s.Metrics)
	}
	s := &report.Subject{Report: r, Candidate: c}
	for _, f := range report.FiguresOf(c) {
		if v, err := f.Value(s); err == nil {
			add(datum{f.Info, "", v, f.Interval(s)})
		}
	}
	return out
}
