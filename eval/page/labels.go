package page

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// box is a rectangle of a picture.
type box struct{ x0, y0, x1, y1 float64 }

// overlap is the area that both have in common.
func (a box) overlap(b box) float64 {
	w, h := min(a.x1, b.x1)-max(a.x0, b.x0), min(a.y1, b.y1)-max(a.y0, b.y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h
}

const labelSize = 12.5 // pixels

// labels finds a place for each point's label, one after the other, where it covers least of points, intervals,
// lines and labels before it: first those around the point, then farther ones, which get a line to the point.
func (p *plot) labels() {
	var taken []box
	for _, q := range p.Points {
		taken = append(taken, box{q.X - 7, q.Y - 7, q.X + 7, q.Y + 7})
		if q.Interval {
			taken = append(taken, box{q.X - 4, min(q.High, q.Low), q.X + 4, max(q.High, q.Low)})
		}
	}
	for _, a := range p.Arrows {
		taken = append(taken, box{min(a.X1, a.X2), a.Y - 4, max(a.X1, a.X2), a.Y + 4})
	}
	lines := slices.Concat(sampled(p.Points, "front"), sampled(p.Points, "control"), sampled(p.along, "front"))
	order := make([]*plotPoint, len(p.Points))
	for i := range p.Points {
		order[i] = &p.Points[i]
	}
	slices.SortStableFunc(order, func(a, b *plotPoint) int { return cmp.Compare(a.rank(), b.rank()) })
	frame := box{p.Left + 2, p.Top, p.W - 2, p.Bottom - 2}
	for _, q := range order {
		if q.Label == "" {
			continue
		}
		best := math.Inf(1)
		var chosen box
		w := float64(utf8.RuneCountInString(q.Label)) * labelSize * 0.6
		for _, try := range labelTries {
			b := box{q.X + try.dx, q.Y + try.dy - labelSize*0.75, 0, q.Y + try.dy + labelSize*0.3}
			switch try.anchor {
			case "end":
				b.x0 -= w
			case "middle":
				b.x0 -= w / 2
			}
			b.x1 = b.x0 + w
			cost := try.cost + 40*((b.x1-b.x0)*(b.y1-b.y0)-b.overlap(frame))
			for _, t := range taken {
				cost += 10 * b.overlap(t)
			}
			for _, l := range lines {
				cost += 2 * b.overlap(l)
			}
			if cost < best {
				best, chosen = cost, b
				q.LabelX, q.LabelY, q.Anchor, q.Leader = tenth(q.X+try.dx), tenth(q.Y+try.dy), try.anchor, try.far
			}
		}
		taken = append(taken, chosen)
	}
	p.taken, p.lineBoxes = taken, lines
}

// arrowLabels finds room for the labels of arrows, above, below or beside them, across a line if need be; those
// without room go.
func (p *plot) arrowLabels() {
	const size = 11.0
	for i := range p.Arrows {
		a := &p.Arrows[i]
		label := a.Label
		a.Label = ""
		w := float64(utf8.RuneCountInString(label)) * size * 0.6
		left, right := min(a.X1, a.X2), max(a.X1, a.X2)
		at := func(f float64) float64 { return left + f*(right-left) - w/2 }
		for _, taken := range [][]box{append(p.taken, p.lineBoxes...), p.taken} {
			for _, try := range [][2]float64{{at(0.5), a.Y - 6}, {at(0.5), a.Y + 15}, {at(0.7), a.Y - 6}, {at(0.3), a.Y - 6},
				{at(0.7), a.Y + 15}, {at(0.3), a.Y + 15}, {right + 10, a.Y + 4}, {left - 10 - w, a.Y + 4}} {
				b := box{try[0], try[1] - size*0.75, try[0] + w, try[1] + size*0.2}
				taken := slices.ContainsFunc(taken, func(t box) bool { return b.overlap(t) > 0 })
				if a.Label == "" && !taken && b.x0 >= p.Left && b.x1 <= p.W-2 {
					a.Label, a.LabelX, a.LabelY = label, tenth(try[0]), tenth(try[1])
					p.taken = append(p.taken, b)
				}
			}
		}
	}
}

func (q *plotPoint) rank() int {
	switch {
	case q.Focus:
		return 0
	case q.Class == "front":
		return 1
	case q.Class == "other":
		return 2
	}
	return 3
}

type labelTry struct {
	dx, dy float64
	anchor string
	far    bool
	cost   float64
}

var labelTries = func() (out []labelTry) {
	for i, d := range []float64{11, 24, 42, 64, 90} {
		far, cost := i > 0, float64(60*i)
		out = append(out,
			labelTry{d, 4, "start", far, cost}, labelTry{-d, 4, "end", far, cost + 4},
			labelTry{d * 0.8, -d * 0.8, "start", far, cost + 6}, labelTry{-d * 0.8, -d * 0.8, "end", far, cost + 8},
			labelTry{d * 0.8, d*0.8 + 8, "start", far, cost + 6}, labelTry{-d * 0.8, d*0.8 + 8, "end", far, cost + 8},
			labelTry{0, -d - 2, "middle", far, cost + 12}, labelTry{0, d + 10, "middle", far, cost + 12})
	}
	return out
}()

// sampled are small boxes along the line through the points of a class.
func sampled(points []plotPoint, class string) (out []box) {
	var on []plotPoint
	for _, q := range points {
		if q.Class == class {
			on = append(on, q)
		}
	}
	slices.SortFunc(on, func(a, b plotPoint) int { return cmp.Compare(a.X, b.X) })
	for i := 1; i < len(on); i++ {
		a, b := on[i-1], on[i]
		n := int(math.Hypot(b.X-a.X, b.Y-a.Y)/6) + 1
		for k := range n {
			f := float64(k) / float64(n)
			x, y := a.X+f*(b.X-a.X), a.Y+f*(b.Y-a.Y)
			out = append(out, box{x - 2, y - 2, x + 2, y + 2})
		}
	}
	return out
}
