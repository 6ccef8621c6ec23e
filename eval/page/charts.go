package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// chart is a small diagram: bars or lines.
type chart struct {
	ID                       string
	W, H                     float64
	Left, Right, Top, Bottom float64
	Title, Desc              string
	XTitle, YTitle           string
	X, Y                     []tick
	Bars                     []chartBar
	Lines                    []chartLine
	Marks                    []chartMark
}

type chartBar struct {
	X, Y, W, H float64
	Title      string
}

type chartLine struct {
	Points, Class, Label string
	EndY                 float64
}

type chartMark struct {
	X, Y  float64
	Label string
}

func newChart(id, title string) *chart {
	return &chart{ID: id, W: 400, H: 246, Left: 46, Right: 388, Top: 46, Bottom: 204, Title: title}
}

// histogram is the distribution of the divergences of single tokens, in quarters of decades; nil without them.
func histogram(c *report.Candidate, id string) *chart {
	const perDecade, lowest, highest = 4, -6, 1
	counts := make([]int, (highest-lowest)*perDecade)
	total := 0
	for _, k := range c.Chunks {
		for _, v := range k.KLDs {
			b := math.Floor((math.Log10(math.Max(float64(v), 1e-9)) - lowest) * perDecade)
			counts[int(min(float64(len(counts)-1), max(0, b)))]++
			total++
		}
	}
	if total == 0 || c.Metrics == nil || c.Metrics.Comparison == nil {
		return nil
	}
	first, last := 0, len(counts)-1
	for counts[first] == 0 && first < last {
		first++
	}
	for counts[last] == 0 && last > first {
		last--
	}
	first -= first % perDecade // whole decades at the ends
	last += perDecade - 1 - last%perDecade
	h := newChart(id, "Divergence of single tokens")
	most := 0.0
	for _, n := range counts {
		most = max(most, float64(n)/float64(total))
	}
	value := func(i int) float64 { return math.Pow(10, lowest+float64(i)/perDecade) }
	xs := scale{value(first), value(last + 1), h.Left, h.Right, true}
	ys := scale{0, most * 1.08, h.Bottom, h.Top, false}
	for i := first; i <= last; i++ {
		share := float64(counts[i]) / float64(total)
		x, y := xs.at(value(i)), ys.at(share)
		h.Bars = append(h.Bars, chartBar{x + 0.5, y, tenth(xs.at(value(i+1)) - x - 1), tenth(h.Bottom - y),
			fmt.Sprintf("%.2g to %.2g nats: %d tokens, %.1f %%", value(i), value(i+1), counts[i], 100*share)})
	}
	for e := lowest + first/perDecade; e <= lowest+(last+1)/perDecade; e++ {
		h.X = append(h.X, tick{xs.at(math.Pow(10, float64(e))), axisNumber(math.Pow(10, float64(e)))})
	}
	h.Y = ys.ticks(4, func(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) })
	d := c.Metrics.Divergence
	for _, m := range []struct {
		v     float64
		label string
	}{{d.Median, "median"}, {d.Mean, "mean"}, {d.P95, "95 %"}, {d.P99, "99 %"}} {
		if m.v > xs.low && m.v < xs.high {
			h.Marks = append(h.Marks, chartMark{X: xs.at(m.v), Label: m.label})
		}
	}
	h.spreadMarks()
	h.XTitle = "nats, logarithmic"
	h.Desc = fmt.Sprintf("%d tokens; median %s, mean %s, 95 %% %s, 99 %% %s nats.", total, figure.Nats(d.Median), figure.Nats(d.Mean), figure.Nats(d.P95), figure.Nats(d.P99))
	return h
}

// spreadMarks puts labels on three levels, so that they do not touch.
func (c *chart) spreadMarks() {
	slices.SortStableFunc(c.Marks, func(a, b chartMark) int { return cmp.Compare(a.X, b.X) })
	last := [3]float64{-100, -100, -100}
	for i := range c.Marks {
		m := &c.Marks[i]
		level := 0
		for k := range last {
			if m.X-last[k] >= 44 {
				level = k
				break
			}
		}
		last[level] = m.X
		m.Y = c.Top - 8 - 12*float64(level)
	}
}

// runningCharts draw the perplexity after each chunk, one chart for each slice: texts differ, and a line through all of
// them would jump where one ends.
func runningCharts(c *report.Candidate, id string) (out []*chart) {
	if len(c.Slices) < 2 {
		if h := running(c.Metrics, id, "Running perplexity"); h != nil {
			out = append(out, h)
		}
		return out
	}
	for i, s := range c.Slices {
		if h := running(s.Metrics, fmt.Sprintf("%s-%d", id, i), "Running perplexity of "+clean(s.Name)); h != nil {
			out = append(out, h)
		}
	}
	return out
}

// running is the perplexity after each chunk, with the reference's; nil with fewer than two chunks.
func running(m *figure.Metrics, id, title string) *chart {
	if m == nil || len(m.Perplexity.Chunks) < 2 {
		return nil
	}
	v := m.Perplexity.Chunks
	var ref []float64
	if m.Comparison != nil && len(m.Reference.Chunks) == len(v) {
		ref = m.Reference.Chunks
	}
	h := newChart(id, title)
	low, high := slices.Min(v), slices.Max(v)
	if ref != nil {
		low, high = min(low, slices.Min(ref)), max(high, slices.Max(ref))
	}
	pad := 0.06*(high-low) + 1e-3*high
	ys := scale{low - pad, high + pad, h.Bottom, h.Top, false}
	xs := scale{1, float64(len(v)), h.Left, h.Right, false}
	h.Y = ys.ticks(4, axisNumber)
	h.X = scale{1, float64(len(v)), h.Left, h.Right, false}.ticks(6, func(v float64) string { return fmt.Sprintf("%.4g", v) })
	if len(v) < 6 {
		h.X = nil
		for i := range v {
			h.X = append(h.X, tick{xs.at(float64(i + 1)), fmt.Sprint(i + 1)})
		}
	}
	draw := func(v []float64, class, label string) {
		var p polyline
		step := max(1, len(v)/400)
		for i := 0; i < len(v); i += step {
			p.add(xs.at(float64(i+1)), ys.at(v[i]))
		}
		h.Lines = append(h.Lines, chartLine{p.String(), class, label, ys.at(v[len(v)-1])})
	}
	if ref != nil {
		draw(ref, "reference", "reference")
	}
	draw(v, "candidate", "candidate")
	h.XTitle = "chunks"
	h.Desc = fmt.Sprintf("%d chunks; %.4f at the end", len(v), v[len(v)-1])
	if ref != nil {
		h.Desc += fmt.Sprintf(", the reference %.4f", ref[len(ref)-1])
	}
	h.Desc += "."
	return h
}
