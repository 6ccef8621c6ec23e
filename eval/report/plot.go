package report

import (
	"fmt"

	"github.com/carat-llm/carat/eval"
)

// plot is the trade-off of size or speed against quality, laid out for one width.
type plot struct {
	ID                       string
	W, H                     float64
	Left, Right, Top, Bottom float64 // of the area with the points
	Title, Desc              string
	XTitle, YTitle           string
	X, Y                     []tick
	Front, Ladder            string // polylines
	Points                   []plotPoint
	Arrows                   []plotArrow
	Narrow                   bool
	Note                     string // what labels leave out
	Shared                   bool   // a control is where a candidate is

	taken, lineBoxes []box // by points, intervals and labels, and by lines
}

// plotPoint is a candidate.
type plotPoint struct {
	X, Y, Low, High float64 // Low and High are the interval's ends
	Interval        bool
	Class           string // "front", "control" or "other"
	Focus           bool
	Title           string
	Label           string
	LabelX, LabelY  float64
	Anchor          string
	Leader          bool // a line to the label, which is far
	Shared          bool // a control with a candidate on it, which has the label for both

	candidate *Candidate
	x, y      float64 // values
}

const (
	wide   = 1000
	narrow = 358
)

// quality is what the y axis shows of c: divergence, or perplexity when there is no reference.
func quality(c *Candidate, paired bool) (v float64, ci *eval.Interval, ok bool) {
	switch {
	case c.Metrics == nil || paired && c.Metrics.Comparison == nil:
		return 0, nil, false
	case paired:
		return c.Metrics.Divergence.Mean, c.Metrics.Divergence.CI, true
	}
	return c.Metrics.Perplexity.Value, c.Metrics.Perplexity.CI, true
}

// sizePlot and speedPlot lay out the two plots, of the candidates that have both figures.
func sizePlot(r *Report, width float64) *plot {
	return newPlot(r, width, "size", func(c *Candidate) float64 { return float64(c.Bytes) })
}

func speedPlot(r *Report, width float64) *plot {
	return newPlot(r, width, "speed", func(c *Candidate) float64 {
		if d := decoding(c.Latency); d != nil {
			return d.TokensPerSecond.Median
		}
		return 0
	})
}

func newPlot(r *Report, width float64, kind string, xOf func(*Candidate) float64) *plot {
	paired := r.any((*Candidate).paired)
	p := &plot{ID: fmt.Sprintf("%s-%.0f", kind, width), W: width, H: 440, Left: 74, Top: 14, Narrow: width < wide, YTitle: "KL divergence, nats"}
	if p.Narrow {
		p.H, p.Left, p.Top = 400, 46, 30
	}
	p.Right, p.Bottom = p.W-14, p.H-52
	if !paired {
		p.YTitle = "perplexity"
	}
	prefix, suffix := commonEnds(r)
	for i := range r.Candidates {
		c := &r.Candidates[i]
		y, ci, ok := quality(c, paired)
		x := xOf(c)
		if !ok || x <= 0 {
			continue
		}
		label, named := plotLabel(r, c, prefix, suffix, p.Narrow)
		if named {
			p.Note = leftOut(prefix, suffix)
		}
		pt := plotPoint{candidate: c, x: x, y: y, Class: "other", Focus: c == r.focus(), Label: label}
		if c.Role == Control {
			pt.Class = "control"
		}
		pt.Title = fmt.Sprintf("%s: %s, %s %s", clean(c.Name), c.about(), map[bool]string{true: "KL divergence", false: "perplexity"}[paired], nats(y))
		if ci != nil {
			pt.Title += ", 95 % interval " + showInterval(map[bool]string{true: "kld.mean", false: "ppl"}[paired], ci)
		}
		if d := decoding(c.Latency); d != nil {
			pt.Title += ", " + rate(d.TokensPerSecond.Median) + " tokens/s"
		}
		p.Points = append(p.Points, pt)
	}
	if len(p.Points) == 0 {
		return p
	}
	p.markFront(kind == "speed")
	ys := p.yScale(paired)
	p.Y = ys.ticks(8, axisNumber)
	for _, t := range p.Y {
		p.Left = max(p.Left, 14+7.2*float64(len(t.Label)))
	}
	xs := p.xScale(kind == "size")
	xl := axisNumber
	p.XTitle, p.Title = "decoding speed, tokens/s", "Quality against speed"
	if kind == "size" {
		unit, name := sizeUnit(xs.high)
		xl = func(v float64) string { return axisNumber(v / unit) }
		p.XTitle, p.Title = "file size, "+name, "Quality against size"
	}
	n := 8
	if p.Narrow {
		n = 5
	}
	p.X = xs.ticks(n, xl)
	p.Desc = fmt.Sprintf("%s; %s on the x axis, %s on a logarithmic y axis; lower is better.", count(len(p.Points), "candidate"), p.XTitle, p.YTitle)
	p.place(xs, ys, paired)
	p.share()
	p.lines(kind == "size")
	if kind == "size" {
		p.arrows(xs)
	}
	p.labels()
	p.arrowLabels()
	return p
}

func (p *plot) place(xs, ys scale, paired bool) {
	for i := range p.Points {
		q := &p.Points[i]
		q.X, q.Y = xs.at(q.x), ys.at(q.y)
		if _, ci, _ := quality(q.candidate, paired); ci != nil {
			q.Interval, q.Low, q.High = true, ys.at(ci.Low), ys.at(ci.High)
		}
	}
}
