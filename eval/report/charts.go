package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// heat is the map of errors: layers against roles.
type heat struct {
	ID           string
	W, H         float64
	Title, Desc  string
	Cells        []heatCell
	Columns      []heatLabel
	Rows         []heatLabel
	Legend       []heatLegend
	Exact        []string // roles that are stored without error
	Tilted       bool     // column labels
	CellW, CellH float64
}

type heatCell struct {
	X, Y, W, H float64
	Bin        int
	Title      string
}

type heatLabel struct {
	X, Y  float64
	Label string
}

type heatLegend struct {
	Bin   int
	Label string
}

const heatBins = 7

// heatOf lays out the map of c's layers; nil when no tensor of a layer was compared. Wide pictures have a column a
// layer, narrow ones a row.
func heatOf(c *Candidate, id string, width float64) *heat {
	var roles []string
	cells := map[[2]int]*Tensor{}
	low, high, layers := math.Inf(1), 0.0, 0
	inexact := map[string]bool{}
	for i := range c.Tensors {
		t := &c.Tensors[i]
		if t.Layer < 0 || t.Layer >= 4096 || t.Error == nil {
			continue
		}
		if !slices.Contains(roles, t.Role) {
			if len(roles) == 40 {
				continue
			}
			roles = append(roles, t.Role)
		}
		layers = max(layers, t.Layer+1)
		if *t.Error > 0 {
			inexact[t.Role] = true
			low, high = min(low, *t.Error), max(high, *t.Error)
		}
	}
	h := &heat{ID: fmt.Sprintf("%s-%.0f", id, width), W: width, Title: "Error by layer and role"}
	for _, r := range roles {
		if !inexact[r] {
			h.Exact = append(h.Exact, clean(r))
		}
	}
	roles = slices.DeleteFunc(roles, func(r string) bool { return !inexact[r] })
	if len(roles) == 0 {
		return nil
	}
	for i := range c.Tensors {
		t := &c.Tensors[i]
		if k := slices.Index(roles, t.Role); k >= 0 && t.Layer >= 0 && t.Layer < layers && t.Error != nil {
			cells[[2]int{t.Layer, k}] = t
		}
	}
	h.Desc = fmt.Sprintf("%d layers, %d roles; relative errors from %.4f to %.4f; the table of tensors has the numbers.", layers, len(roles), low, high)
	bins := scale{low, high, 0, heatBins, true}
	h.layout(layers, roles)
	for l := range layers {
		for k, role := range roles {
			t := cells[[2]int{l, k}]
			if t == nil {
				continue
			}
			x := heatCell{W: h.CellW, H: h.CellH, Bin: min(heatBins-1, int(bins.at(*t.Error)))}
			if *t.Error == 0 {
				x.Bin = 0
			}
			x.X, x.Y = h.corner(l, k)
			x.Title = fmt.Sprintf("layer %d, %s: %s, relative error %.4f", l, clean(role), clean(t.Type), *t.Error)
			h.Cells = append(h.Cells, x)
		}
	}
	for b := range heatBins {
		from := low * math.Pow(high/low, float64(b)/heatBins)
		h.Legend = append(h.Legend, heatLegend{b, fmt.Sprintf("%.2g", from)})
	}
	h.Legend = append(h.Legend, heatLegend{-1, fmt.Sprintf("%.2g", high)})
	return h
}

const (
	heatLeft = 92.0
	heatTop  = 20.0
	heatTilt = 62.0 // height of tilted labels
)

func (h *heat) tall() bool { return h.W < wide }

func (h *heat) corner(layer, role int) (x, y float64) {
	if h.tall() {
		return tenth(26 + float64(role)*h.CellW), tenth(heatTilt + float64(layer)*h.CellH)
	}
	return tenth(heatLeft + float64(layer)*h.CellW), tenth(heatTop + float64(role)*h.CellH)
}

func (h *heat) layout(layers int, roles []string) {
	if h.tall() {
		h.Tilted = true
		h.CellW, h.CellH = tenth(min(46, (h.W-26-34)/float64(len(roles)))), 14
		h.H = heatTilt + float64(layers)*h.CellH + 4
		for k, r := range roles {
			x, _ := h.corner(0, k)
			h.Columns = append(h.Columns, heatLabel{tenth(x + h.CellW/2), heatTilt - 6, cut(r, 16)})
		}
		for l := 0; l < layers; l += 1 + layers/40 {
			_, y := h.corner(l, 0)
			h.Rows = append(h.Rows, heatLabel{20, y + 10.5, fmt.Sprint(l)})
		}
		return
	}
	h.CellW, h.CellH = math.Floor(10*min(30, (h.W-heatLeft-4)/float64(layers)))/10, 26
	h.H = heatTop + float64(len(roles))*h.CellH + 4
	for k, r := range roles {
		_, y := h.corner(0, k)
		h.Rows = append(h.Rows, heatLabel{heatLeft - 8, y + 17, cut(r, 15)})
	}
	step := 1
	for float64(step)*h.CellW < 20 {
		step++
	}
	for l := 0; l < layers; l += step {
		x, _ := h.corner(l, 0)
		h.Columns = append(h.Columns, heatLabel{tenth(x + h.CellW/2), heatTop - 6, fmt.Sprint(l)})
	}
}

func cut(s string, n int) string {
	if u := []rune(clean(s)); len(u) > n {
		return string(u[:n-1]) + "…"
	}
	return clean(s)
}

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
func histogram(c *Candidate, id string) *chart {
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
	h.Desc = fmt.Sprintf("%d tokens; median %s, mean %s, 95 %% %s, 99 %% %s nats.", total, nats(d.Median), nats(d.Mean), nats(d.P95), nats(d.P99))
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

// running is the perplexity after each chunk, with the reference's; nil with fewer than two chunks.
func running(c *Candidate, id string) *chart {
	if c.Metrics == nil || len(c.Metrics.Perplexity.Chunks) < 2 {
		return nil
	}
	v := c.Metrics.Perplexity.Chunks
	var ref []float64
	if c.Metrics.Comparison != nil && len(c.Metrics.Reference.Chunks) == len(v) {
		ref = c.Metrics.Reference.Chunks
	}
	h := newChart(id, "Running perplexity")
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
