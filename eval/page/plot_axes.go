package page

import (
	"math"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

func decimal(v float64) string { return strconv.FormatFloat(tenth(v), 'f', -1, 64) }

func (p *plot) yScale(f figure.Figure) scale {
	low, high := math.Inf(1), 0.0
	for _, q := range p.Points {
		_, ci, _ := quality(q.candidate, f)
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

// yTicks marks the values at the left, and makes room for them.
func (p *plot) yTicks(ys scale) {
	p.Y = ys.ticks(8, axisNumber)
	for _, t := range p.Y {
		p.Left = max(p.Left, 14+7.2*float64(len(t.Label)))
	}
}

func (p *plot) xTicks(xs scale, label func(float64) string) {
	n := 8
	if p.Narrow {
		n = 5
	}
	p.X = xs.ticks(n, label)
}

// sizeTicks are xTicks of the sizes of files.
func (p *plot) sizeTicks(xs scale) {
	unit, name := sizeUnit(xs.high)
	p.XTitle = "file size, " + name
	p.xTicks(xs, func(v float64) string { return axisNumber(v / unit) })
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
func effectiveSize(c *report.Candidate) float64 {
	if c.EffectiveBits == nil || c.BitsPerWeight <= 0 || *c.EffectiveBits <= 0 || *c.EffectiveBits > 64 {
		return 0
	}
	return float64(c.Bytes) * *c.EffectiveBits / c.BitsPerWeight
}

func sizeUnit(v float64) (float64, string) {
	switch {
	case v >= 1e9:
		return 1e9, "GB"
	case v >= 1e6:
		return 1e6, "MB"
	}
	return 1e3, "kB"
}

// axisNumber is short: 0.05, 1e-6.
func axisNumber(v float64) string {
	return strings.Replace(strconv.FormatFloat(v, 'g', 4, 64), "e-0", "e-", 1)
}
