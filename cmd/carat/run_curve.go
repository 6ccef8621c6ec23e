package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/recipe"
)

// curve is what other budgets come to, beside the choice and presets. Text is what was measured over.
func (a *allocation) curve(m *newModel, text string) *page.Curve {
	c := &page.Curve{Name: filepath.Base(filepath.Clean(m.source)), Best: []page.CurvePoint{}, Presets: []page.CurvePoint{}}
	c.Source = "Measured over " + cmp.Or(text, "a calibration text") + "."
	for _, p := range allocate.Frontier(allocate.Classes(a.tensors)) {
		c.Best = append(c.Best, a.point("", p.Bytes+a.rest, p.Cost))
	}
	c.Presets = append(c.Presets, a.presets(m)...)
	if len(a.choice.Of) > 0 {
		p := a.point(display.Bytes(a.FileBytes), a.FileBytes, a.Expected)
		c.Choice = &p
	}
	return c
}

func (a *allocation) point(name string, fileBytes int64, divergence float64) page.CurvePoint {
	return page.CurvePoint{Name: name, Bytes: fileBytes, Bits: a.bitsPerWeight(fileBytes), Divergence: divergence}
}

// presets are the file types all of whose tensors' types were measured.
func (a *allocation) presets(m *newModel) (list []page.CurvePoint) {
	for _, name := range recipe.Names() {
		p, ok := a.preset(m, name)
		same := slices.ContainsFunc(list, func(q page.CurvePoint) bool { return q.Bytes == p.Bytes && q.Divergence == p.Divergence })
		if ok && !same { // MXFP4_MOE is Q8_0 where there are no experts
			list = append(list, p)
		}
	}
	return list
}

// preset is a file of that type, if all of its types were measured.
func (a *allocation) preset(m *newModel, name string) (p page.CurvePoint, ok bool) {
	ft, err := recipe.ParseFileType(name)
	if err != nil || !ft.Default().Quantized() {
		return p, false
	}
	opts := m.quantize
	opts.FileType, opts.File = ft, nil
	plan, err := quantize.NewPlan(m.src, opts)
	if err != nil {
		return p, false
	}
	return a.planned(name, plan)
}

// planned is the file of a plan, if all of its types were measured.
func (a *allocation) planned(name string, plan *quantize.Plan) (p page.CurvePoint, ok bool) {
	types := map[string]gguf.Type{}
	for _, t := range plan.Tensors {
		types[t.Name] = t.Type
	}
	of, ok := allocate.Of(a.tensors, func(t allocate.Tensor) gguf.Type { return types[t.Name] })
	sum, err := plan.Summary()
	return a.point(name, sum.FileBytes, of.Cost), ok && err == nil
}

// drawCurve adds the picture or page of the curve to o.
func (m *newModel) drawCurve(o *outputs) error {
	if m.allocation == nil || m.budget.pareto == "" {
		return nil
	}
	draw := m.allocation.Curve.HTML
	if strings.EqualFold(filepath.Ext(m.budget.pareto), ".svg") {
		draw = m.allocation.Curve.SVG
	}
	return o.draw(m.budget.pareto, draw)
}
