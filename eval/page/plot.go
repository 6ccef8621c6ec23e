package page

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
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

	along            []plotPoint // a curve that is no points'
	taken, lineBoxes []box       // by points, intervals and labels, and by lines
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

	candidate *report.Candidate
	x, y      float64 // values
}

const (
	wide   = 1000
	narrow = 358
)

// quality is what the y axis shows of c: f is the report's headline.
func quality(c *report.Candidate, f figure.Figure) (v float64, ci *figure.Interval, ok bool) {
	if c.Metrics == nil || f.Name == "kld.mean" && c.Metrics.Comparison == nil {
		return 0, nil, false
	}
	v, ci = valueOf(f, c.Metrics)
	return v, ci, true
}

// sizePlot and speedPlot lay out the two plots, of the candidates that have both figures.
func sizePlot(r *report.Report, width float64) *plot {
	return newPlot(r, width, "size", func(c *report.Candidate) float64 { return float64(c.Bytes) })
}

func speedPlot(r *report.Report, width float64) *plot {
	return newPlot(r, width, "speed", func(c *report.Candidate) float64 {
		if d := decoding(c.Latency); d != nil {
			return d.TokensPerSecond.Median
		}
		return 0
	})
}

func newPlot(r *report.Report, width float64, kind string, xOf func(*report.Candidate) float64) *plot {
	f := headline(r)
	p := newFrame(kind, width)
	p.YTitle = f.Title
	if f.Name == "kld.mean" {
		p.YTitle = "KL divergence, nats"
	}
	prefix, suffix := commonEnds(r)
	for i := range r.Candidates {
		c := &r.Candidates[i]
		y, ci, ok := quality(c, f)
		x := xOf(c)
		if !ok || x <= 0 {
			continue
		}
		label, named := plotLabel(r, c, prefix, suffix, p.Narrow)
		if named {
			p.Note = leftOut(prefix, suffix)
		}
		pt := plotPoint{candidate: c, x: x, y: y, Class: "other", Focus: c == focus(r), Label: label}
		if c.Role == report.Control {
			pt.Class = "control"
		}
		pt.Title = fmt.Sprintf("%s: %s, %s %s", clean(c.Name), about(&c.Model), strings.TrimSuffix(f.Title, ", mean"), figure.Nats(y))
		if ci != nil {
			pt.Title += ", 95 % interval " + showInterval(f.Name, ci)
		}
		if d := decoding(c.Latency); d != nil {
			pt.Title += ", " + figure.Rate(d.TokensPerSecond.Median) + " tokens/s"
		}
		p.Points = append(p.Points, pt)
	}
	if len(p.Points) == 0 {
		return p
	}
	p.markFront(kind == "speed")
	ys := p.yScale(f)
	p.yTicks(ys)
	xs := p.xScale(kind == "size")
	if kind == "size" {
		p.Title = "Quality against size"
		p.sizeTicks(xs)
	} else {
		p.XTitle, p.Title = "decoding speed, tokens/s", "Quality against speed"
		p.xTicks(xs, axisNumber)
	}
	p.Desc = fmt.Sprintf("%s; %s on the x axis, %s on a logarithmic y axis; lower is better.", count(len(p.Points), "candidate"), p.XTitle, p.YTitle)
	p.place(xs, ys, f)
	p.share()
	p.lines(kind == "size")
	if kind == "size" {
		p.arrows(xs)
	}
	p.labels()
	p.arrowLabels()
	return p
}

// newFrame is an empty plot, ID after its kind.
func newFrame(kind string, width float64) *plot {
	p := &plot{ID: fmt.Sprintf("%s-%.0f", kind, width), W: width, H: 440, Left: 74, Top: 14, Narrow: width < wide}
	if p.Narrow {
		p.H, p.Left, p.Top = 400, 46, 30
	}
	p.Right, p.Bottom = p.W-14, p.H-52
	return p
}

func (p *plot) place(xs, ys scale, f figure.Figure) {
	for i := range p.Points {
		q := &p.Points[i]
		q.X, q.Y = xs.at(q.x), ys.at(q.y)
		if _, ci, _ := quality(q.candidate, f); ci != nil {
			q.Interval, q.Low, q.High = true, ys.at(ci.Low), ys.at(ci.High)
		}
	}
}
