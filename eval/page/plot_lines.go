package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// plotArrow points from a candidate to where the ladder of controls is as good.
type plotArrow struct {
	X1, X2, Y      float64
	Title          string
	Label          string // "" where there is no room for it
	LabelX, LabelY float64
}

// markFront marks the Pareto front: the candidates that no other candidate beats in both coordinates. When x is the size
// the report already states it.
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

// share puts controls behind candidates, and leaves to those the labels of controls at the same spot.
func (p *plot) share() {
	const near = 6 // pixels
	slices.SortStableFunc(p.Points, func(a, b plotPoint) int { return cmp.Compare(b.rank(), a.rank()) })
	for i := range p.Points {
		a := &p.Points[i]
		if a.Class != "control" {
			continue
		}
		for j := range p.Points {
			if b := &p.Points[j]; b.Class != "control" && math.Abs(a.X-b.X) < near && math.Abs(a.Y-b.Y) < near {
				a.Shared, p.Shared = true, true
				a.Label = ""
				if !strings.HasSuffix(b.Label, sharedMark) {
					b.Label += sharedMark
				}
				break
			}
		}
	}
}

const sharedMark = " ▪"

// lines joins the front and, for sizes, the ladder of controls.
func (p *plot) lines(laddered bool) {
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
	if controls > 1 && laddered {
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
