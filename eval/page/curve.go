package page

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/internal/buildinfo"
)

// Curve is what files of a model can be: the divergence that is expected of the best choice of types for each size, beside that of
// presets.
type Curve struct {
	Name    string       `json:"name"`   // of the model
	Source  string       `json:"source"` // what the divergences come of, in a sentence
	Best    []CurvePoint `json:"best"`   // by rising bytes
	Presets []CurvePoint `json:"presets"`
	Choice  *CurvePoint  `json:"choice,omitempty"` // that was made, if one was
}

// CurvePoint is a file: its size, and the divergence that is expected of it in nats.
type CurvePoint struct {
	Name       string  `json:"name,omitempty"`
	Bytes      int64   `json:"file_bytes"`
	Bits       float64 `json:"bits_per_weight"`
	Divergence float64 `json:"expected_divergence"`
}

// At is the best choice of at most so many bytes; nil when all are larger.
func (c *Curve) At(bytes int64) *CurvePoint {
	for i := len(c.Best) - 1; i >= 0; i-- {
		if c.Best[i].Bytes <= bytes {
			return &c.Best[i]
		}
	}
	return nil
}

// For is the smallest choice of at most that divergence; nil when all have more.
func (c *Curve) For(divergence float64) *CurvePoint {
	for i, p := range c.Best {
		if p.Divergence <= divergence*(1+1e-9) { // sums in another order
			return &c.Best[i]
		}
	}
	return nil
}

// HTML writes the curve as one self-contained page.
func (c *Curve) HTML(w io.Writer) error {
	return execute(w, "curve.tmpl", struct {
		*Curve
		Version      string
		CSS          template.CSS
		Wide, Narrow *plot
	}{c, buildinfo.Version(), pageCSS + "\n" + chartsCSS, c.plot(wide), c.plot(narrow)})
}

// SVG writes the curve as a picture of its own.
func (c *Curve) SVG(w io.Writer) error { return c.plot(wide).svg(w) }

// Rows compare each preset with the best choices, by rising bytes.
func (c *Curve) Rows() []CurveRow {
	rows := make([]CurveRow, len(c.Presets))
	for i, p := range c.Presets {
		rows[i] = CurveRow{CurvePoint: p, Same: c.At(p.Bytes), Least: c.For(p.Divergence)}
	}
	slices.SortStableFunc(rows, func(a, b CurveRow) int { return cmp.Compare(a.Bytes, b.Bytes) })
	return rows
}

// CurveRow compares a preset with the best choices.
type CurveRow struct {
	CurvePoint
	Same  *CurvePoint // of its size
	Least *CurvePoint // of its divergence
}

// Fewer is by how much less divergence the best choice of the size has.
func (r CurveRow) Fewer() string { return lessThan(r.Same.Divergence, r.Divergence) }

// Smaller is by how much smaller the best choice of the divergence is.
func (r CurveRow) Smaller() string { return lessThan(float64(r.Least.Bytes), float64(r.Bytes)) }

func lessThan(a, b float64) string {
	if b <= 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f %%", 100*(a/b-1))
}

// plot lays the curve out for a width.
func (c *Curve) plot(width float64) *plot {
	p := newFrame("curve", width)
	p.Title, p.YTitle = "Expected divergence against size", "Expected KL divergence, nats"
	if p.Narrow {
		p.YTitle = "Expected divergence"
	}
	for _, x := range c.Presets {
		p.Points = append(p.Points, plotPoint{x: float64(x.Bytes), y: x.Divergence, Class: "control", Label: clean(x.Name), Title: c.title(x)})
	}
	if x := c.Choice; x != nil {
		p.Points = append(p.Points, plotPoint{x: float64(x.Bytes), y: x.Divergence, Class: "front", Focus: true, Label: clean(x.Name), Title: c.title(*x)})
	}
	var best []plotPoint
	for _, x := range c.Best {
		best = append(best, plotPoint{x: float64(x.Bytes), y: x.Divergence, Class: "front"})
	}
	low, high := extent(slices.Concat(p.Points, best))
	ys := scale{low.y, high.y, p.Bottom, p.Top, true}
	p.yTicks(ys)
	xs := scale{low.x, high.x, p.Left, p.Right, false}
	p.sizeTicks(xs)
	p.Desc = fmt.Sprintf("The best choice for each size as a line, %s beside it; %s on the x axis, %s on a logarithmic y axis; lower is better.",
		count(len(c.Presets), "preset"), p.XTitle, p.YTitle)
	var line polyline
	for i := range best {
		best[i].X, best[i].Y = xs.at(best[i].x), ys.at(best[i].y)
		line.add(best[i].X, best[i].Y)
	}
	p.Front, p.along = line.String(), best
	for i := range p.Points {
		q := &p.Points[i]
		q.X, q.Y = xs.at(q.x), ys.at(q.y)
	}
	p.labels()
	return p
}

func (c *Curve) title(x CurvePoint) string {
	return fmt.Sprintf("%s: %.2f bits per weight, expected divergence %s", clean(x.Name), x.Bits, figure.Nats(x.Divergence))
}

// extent is the least and the largest of the coordinates, with some room around them. No divergence at all has no place on the axis.
func extent(points []plotPoint) (low, high plotPoint) {
	low = plotPoint{x: math.Inf(1), y: math.Inf(1)}
	for _, q := range points {
		low.x, high.x = min(low.x, q.x), max(high.x, q.x)
		if q.y > 0 {
			low.y, high.y = min(low.y, q.y), max(high.y, q.y)
		}
	}
	if math.IsInf(low.y, 1) {
		low.y, high.y = 1e-6, 1e-3
	}
	pad := max(1.05, math.Pow(high.y/low.y, 0.06))
	room := max(0.03*(high.x-low.x), 1e-3*high.x)
	low.x, high.x, low.y, high.y = max(0, low.x-room), high.x+room, low.y/pad, high.y*pad
	return low, high
}
