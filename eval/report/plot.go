package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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

	candidate *Candidate
	x, y      float64 // values
}

// plotArrow points from a candidate to where the ladder of controls is as good.
type plotArrow struct {
	X1, X2, Y float64
	Label     string
	Title     string
}

const (
	wide   = 1000
	narrow = 358
)

func decimal(v float64) string { return strconv.FormatFloat(tenth(v), 'f', -1, 64) }

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
	for i := range r.Candidates {
		c := &r.Candidates[i]
		y, ci, ok := quality(c, paired)
		x := xOf(c)
		if !ok || x <= 0 {
			continue
		}
		pt := plotPoint{candidate: c, x: x, y: y, Class: "other", Focus: c == r.focus(), Label: plotLabel(r, c, p.Narrow)}
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
	p.lines()
	if kind == "size" {
		p.arrows(xs)
	}
	p.labels()
	return p
}

// plotLabel is the file type where that tells the candidate from the others, and else the name, cut. Controls have
// their names where there is room: of what they are the type says nothing.
func plotLabel(r *Report, c *Candidate, narrow bool) string {
	same := 0
	for i := range r.Candidates {
		if o := &r.Candidates[i]; o.FileType == c.FileType && o.Role == c.Role {
			same++
		}
	}
	s := clean(c.FileType)
	if s == "" || same > 1 || c.Role == Control && !narrow {
		s = clean(c.Name)
	}
	if u := []rune(s); len(u) > 24 {
		s = string(u[:11]) + "…" + string(u[len(u)-12:])
	}
	return s
}

// markFront finds the points that no other is better than in both. For sizes the report says so itself.
func (p *plot) markFront(larger bool) {
	stated := slices.ContainsFunc(p.Points, func(q plotPoint) bool { return q.candidate.Pareto })
	for i := range p.Points {
		a := &p.Points[i]
		front := a.Class != "control"
		for j := range p.Points {
			b := &p.Points[j]
			nearer := b.x <= a.x
			if larger {
				nearer = b.x >= a.x
			}
			if b.Class != "control" && nearer && b.y <= a.y && (b.x != a.x || b.y < a.y) {
				front = false
			}
		}
		if stated && !larger {
			front = a.candidate.Pareto
		}
		if front && a.Class != "control" {
			a.Class = "front"
		}
	}
}

func (p *plot) yScale(paired bool) scale {
	low, high := math.Inf(1), 0.0
	for _, q := range p.Points {
		_, ci, _ := quality(q.candidate, paired)
		if q.y > 0 {
			low, high = min(low, q.y), max(high, q.y)
		}
		if ci != nil {
			high = max(high, ci.High)
			if q.y > 0 {
				low = min(low, max(ci.Low, q.y/3)) // an interval that reaches zero has no end on this scale
			}
		}
	}
	if math.IsInf(low, 0) {
		low, high = 1e-6, 1e-3
	}
	pad := math.Pow(high/low, 0.06)
	if pad < 1.001 {
		pad = 1.05
	}
	return scale{low / pad, high * pad, p.Bottom, p.Top, true}
}

func (p *plot) xScale(effective bool) scale {
	low, high := math.Inf(1), 0.0
	for _, q := range p.Points {
		low, high = min(low, q.x), max(high, q.x)
		if e := effectiveSize(q.candidate); effective && e > 0 {
			low, high = min(low, e), max(high, e)
		}
	}
	pad := 0.07 * (high - low)
	if pad == 0 {
		pad = 0.05 * high
	}
	return scale{max(0, low-pad), high + pad, p.Left, p.Right, false}
}

// effectiveSize is the size of a control that is as good as c, by the effective bits; 0 when they are not known.
func effectiveSize(c *Candidate) float64 {
	if c.EffectiveBits == nil || c.BitsPerWeight <= 0 || *c.EffectiveBits <= 0 || *c.EffectiveBits > 64 {
		return 0
	}
	return float64(c.Bytes) * *c.EffectiveBits / c.BitsPerWeight
}

func sizeUnit(v float64) (float64, string) {
	switch {
	case v >= 2e9:
		return 1e9, "GB"
	case v >= 2e6:
		return 1e6, "MB"
	}
	return 1e3, "kB"
}

// axisNumber is short: 0.05, 1e-6.
func axisNumber(v float64) string {
	return strings.Replace(strconv.FormatFloat(v, 'g', 4, 64), "e-0", "e-", 1)
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

func (p *plot) lines() {
	order := slices.Clone(p.Points)
	slices.SortFunc(order, func(a, b plotPoint) int { return cmp.Compare(a.X, b.X) })
	var front, ladder polyline
	controls := 0
	for _, q := range order {
		switch q.Class {
		case "front":
			front.add(q.X, q.Y)
		case "control":
			ladder.add(q.X, q.Y)
			controls++
		}
	}
	p.Front = front.String()
	if controls > 1 {
		p.Ladder = ladder.String()
	}
}

func (p *plot) arrows(xs scale) {
	for _, q := range p.Points {
		e := effectiveSize(q.candidate)
		if e == 0 {
			continue
		}
		bits, effective := q.candidate.BitsPerWeight, *q.candidate.EffectiveBits
		a := plotArrow{X1: q.X, X2: xs.at(e), Y: q.Y}
		if math.Abs(a.X2-a.X1) < 12 {
			continue
		}
		a.Title = fmt.Sprintf("%s: as good as a control of %.2f bits per weight, with %.2f", clean(q.candidate.Name), effective, bits)
		if !p.Narrow {
			a.Label = fmt.Sprintf("%+.2f bits", effective-bits)
		}
		p.Arrows = append(p.Arrows, a)
	}
}

// Head is the arrow's head as a polygon.
func (a plotArrow) Head() string {
	d := -7.0
	if a.X2 < a.X1 {
		d = 7
	}
	var s polyline
	s.add(a.X2, a.Y)
	s.add(a.X2+d, a.Y-3.5)
	s.add(a.X2+d, a.Y+3.5)
	return s.String()
}

func (a plotArrow) Middle() float64 { return tenth((a.X1 + a.X2) / 2) }
