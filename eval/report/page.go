package report

import (
	"html/template"
)

// page is what the template shows.
type page struct {
	R          *Report
	CSS        template.CSS
	Focus      *Candidate
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

func newPage(r *Report) *page {
	p := &page{R: r, CSS: pageCSS + "\n" + chartsCSS, Focus: r.focus(), Title: "carat " + clean(r.Command)}
	p.Paired = r.any((*Candidate).paired)
	p.Effective = r.any(func(c *Candidate) bool { return c.EffectiveBits != nil })
	p.Speed = r.any(func(c *Candidate) bool { return decoding(c.Latency) != nil })
	p.HasControl = r.any(func(c *Candidate) bool { return c.Role == Control })
	if p.Focus != nil {
		p.Title = clean(p.Focus.Name)
		if t := clean(p.Focus.Title); t != "" && len(r.Candidates) > 1 && r.Gate == nil {
			p.Title, p.CardsOf = t, clean(p.Focus.Name)
		}
		p.Cards = cards(p.Focus, p.Paired)
		p.Scored = r.scored(p.Focus)
	}
	if g := r.Gate; g != nil {
		p.Outcome, p.Effort, p.Stored = g.outcome(), g.effort(), upperFirst(g.stored())
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
	yes, no := r.differences()
	p.Yes, p.No = len(yes), len(no)
	for _, c := range r.bySize() {
		p.Details = append(p.Details, newDetail(r, c))
	}
	return p
}

type comparisonRow struct {
	*Comparison
	ABetter, BBetter bool
}

type gateRow struct {
	*Result
	Class, Word                            string
	What, Shown, Between, Bound, Threshold string
	OtherShown                             string
	Track                                  *track
}

func newGateRow(x *Result) gateRow {
	g := gateRow{Result: x, Class: x.Verdict, Word: x.verdict(), What: x.what(), Shown: x.value(), Between: x.interval(), Bound: x.bound(), Threshold: x.limit()}
	if !x.decides() && (x.Verdict == Fail || x.Verdict == Inconclusive) {
		g.Class = "warned"
	}
	if x.Other != nil {
		g.OtherShown = show(x.Metric, *x.Other)
	}
	g.Track = gateTrack(x)
	return g
}

type candidateRow struct {
	*Candidate
	ID      string
	Focus   bool
	Track   *track
	Speed   string
	Control bool

	SizeText, BitsText string
}

// FrontText explains the mark of the Pareto front.
func (p *page) FrontText() string { return p.R.frontText() }

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
		if c := &p.R.Candidates[i]; c.paired() {
			p.Most = max(p.Most, c.Metrics.Divergence.Mean)
			if ci := c.Metrics.Divergence.CI; ci != nil {
				p.Most = max(p.Most, ci.High)
			}
		}
	}
	for _, c := range p.R.bySize() {
		row := candidateRow{Candidate: c, ID: p.R.id(c), Focus: c == p.Focus, Control: c.Role == Control, SizeText: c.sizeText(), BitsText: c.bitsText()}
		if c.paired() {
			row.Track = barTrack(c.Metrics.Divergence.Mean, intervalOf(c), p.Most)
		}
		if d := decoding(c.Latency); d != nil {
			row.Speed = rate(d.TokensPerSecond.Median)
		}
		p.Rows = append(p.Rows, row)
	}
}

func intervalOf(c *Candidate) (ci [2]float64) {
	if i := c.Metrics.Divergence.CI; i != nil {
		return [2]float64{i.Low, i.High}
	}
	return ci
}
