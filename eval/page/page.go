package page

import (
	"html/template"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// page is what the template shows.
type page struct {
	R          *report.Report
	CSS        template.CSS
	Focus      *report.Candidate
	Title      string
	Scored     string
	Cards      []card
	CardsOf    string // the candidate that the cards are of, where the title is not its name
	Outcome    string
	Effort     string
	Stored     string
	Gates      []gateRow
	Plots      []plotSet
	Paired     bool
	Effective  bool
	Speed      bool
	Most       float64 // the largest divergence, which fills its bar
	Rows       []candidateRow
	Yes, No    int // comparisons that are significant, and not
	Details    []*detail
	Compared   []comparisonRow
	HasControl bool
	Shared     bool // a control is where a candidate is
}

type plotSet struct {
	Title        string
	Wide, Narrow *plot
}

func newPage(r *report.Report) *page {
	p := &page{R: r, CSS: pageCSS + "\n" + chartsCSS, Focus: focus(r), Title: "carat " + clean(r.Command)}
	p.Paired = some(r, (*report.Candidate).Paired)
	p.Effective = some(r, func(c *report.Candidate) bool { return c.EffectiveBits != nil })
	p.Speed = some(r, func(c *report.Candidate) bool { return decoding(c.Latency) != nil })
	p.HasControl = some(r, func(c *report.Candidate) bool { return c.Role == report.Control })
	if p.Focus != nil {
		p.Title = clean(p.Focus.Name)
		if t := clean(p.Focus.Title); t != "" && len(r.Candidates) > 1 && r.Gate == nil {
			p.Title, p.CardsOf = t, clean(p.Focus.Name)
		}
		p.Cards = cards(p.Focus, p.Paired)
		p.Scored = scored(r, p.Focus)
	}
	if g := r.Gate; g != nil {
		p.Outcome, p.Effort, p.Stored = outcome(g), effort(g), upperFirst(storedText(g))
		for i := range g.Gates {
			p.Gates = append(p.Gates, newGateRow(&g.Gates[i]))
		}
	}
	if w := sizePlot(r, wide); len(w.Points) > 1 {
		p.Plots = append(p.Plots, plotSet{"Quality against size", w, sizePlot(r, narrow)})
	}
	if w := speedPlot(r, wide); len(w.Points) > 1 {
		p.Plots = append(p.Plots, plotSet{"Quality against speed", w, speedPlot(r, narrow)})
	}
	for _, x := range p.Plots {
		p.Shared = p.Shared || x.Wide.Shared || x.Narrow.Shared
	}
	p.candidates()
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		p.Compared = append(p.Compared, comparisonRow{c, c.Better == "a", c.Better == "b"})
	}
	yes, no := differences(r)
	p.Yes, p.No = len(yes), len(no)
	for _, c := range bySize(r) {
		p.Details = append(p.Details, newDetail(r, c))
	}
	return p
}

type comparisonRow struct {
	*report.Comparison
	ABetter, BBetter bool
}

type gateRow struct {
	*report.Result
	Class, Word                            string
	What, Shown, Between, Bound, Threshold string
	OtherShown                             string
	Track                                  *track
}

func newGateRow(x *report.Result) gateRow {
	g := gateRow{Result: x, Class: x.Verdict, Word: verdictText(x), What: whatText(x), Shown: valueText(x), Between: intervalText(x), Bound: boundText(x), Threshold: limitText(x)}
	if !decides(x) && (x.Verdict == report.Fail || x.Verdict == report.Inconclusive) {
		g.Class = "warned"
	}
	if x.Other != nil {
		g.OtherShown = show(x.Metric, *x.Other)
	}
	g.Track = gateTrack(x)
	return g
}

type candidateRow struct {
	*report.Candidate
	ID      string
	Focus   bool
	Track   *track
	Speed   string
	Control bool

	SizeText, BitsText string
}

// FrontText explains the mark of the Pareto front.
func (p *page) FrontText() string { return frontText(p.R) }

// Best says why the key figures are of the candidate that they are of.
func (p *page) Best() string {
	switch m := p.Focus.Metrics; {
	case m == nil:
		return ""
	case m.Comparison != nil:
		return "the nearest to the reference"
	}
	return "of the least bits per byte"
}

func (p *page) candidates() {
	for i := range p.R.Candidates {
		if c := &p.R.Candidates[i]; c.Paired() {
			p.Most = max(p.Most, c.Metrics.Divergence.Mean)
			if ci := c.Metrics.Divergence.CI; ci != nil {
				p.Most = max(p.Most, ci.High)
			}
		}
	}
	for _, c := range bySize(p.R) {
		row := candidateRow{Candidate: c, ID: idOf(p.R, c), Focus: c == p.Focus, Control: c.Role == report.Control, SizeText: sizeText(&c.Model), BitsText: bitsText(&c.Model)}
		if c.Paired() {
			row.Track = barTrack(c.Metrics.Divergence.Mean, intervalOf(c), p.Most)
		}
		if d := decoding(c.Latency); d != nil {
			row.Speed = figure.Rate(d.TokensPerSecond.Median)
		}
		p.Rows = append(p.Rows, row)
	}
}

func intervalOf(c *report.Candidate) (ci [2]float64) {
	if i := c.Metrics.Divergence.CI; i != nil {
		return [2]float64{i.Low, i.High}
	}
	return ci
}
