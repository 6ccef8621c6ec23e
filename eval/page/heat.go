package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/report"
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
func heatOf(c *report.Candidate, id string, width float64) *heat {
	var roles []string
	cells := map[[2]int]*report.Tensor{}
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
	digits := 2 // so that neighbours of the legend differ
	for digits < 5 && high > low && math.Pow(high/low, 1.0/heatBins)-1 < math.Pow(10, 1-float64(digits)) {
		digits++
	}
	format := "%.*g"
	if digits > 2 {
		format = "%#.*g" // trailing zeros show how near they are
	}
	for b := range heatBins {
		from := low * math.Pow(high/low, float64(b)/heatBins)
		label := fmt.Sprintf(format, digits, from)
		if digits > 2 && b != 0 && b != 2 && b != 4 {
			label = "" // longer ones need the room
		}
		h.Legend = append(h.Legend, heatLegend{b, label})
	}
	h.Legend = append(h.Legend, heatLegend{-1, fmt.Sprintf(format, digits, high)})
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
