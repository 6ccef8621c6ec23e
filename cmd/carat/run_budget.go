package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// allocation is the choice of types under a budget.
type allocation struct {
	budgetReport
	found    *allocate.Measurements
	tensors  []allocate.Tensor
	rest     int64 // bytes of header, padding and tensors that are not chosen
	header   int64 // bytes of the file that are no tensors'
	elements int64
	choice   allocate.Choice
	speed    *speed // nil if it is no matter
}

// classes are the candidates.
func (a *allocation) classes() [][]allocate.Candidate {
	classes := allocate.Classes(a.tensors)
	for i, t := range a.tensors {
		for k, typ := range t.Types {
			if a.speed != nil {
				classes[i][k].Time = a.speed.seconds(t.TensorInfo, typ)
			}
		}
	}
	return classes
}

// allocate gives m the types that are best within its budget, by what was found, and makes the curve that was asked for.
func (m *newModel) allocate(base *quantize.Plan, found *allocate.Measurements) error {
	a, err := newAllocation(base, found.Tensors)
	if err != nil {
		return err
	}
	m.allocation, a.found = a, found
	if m.budget.rate > 0 {
		if a.speed, err = m.measureSpeed(a.tensors); err != nil {
			return err
		}
	}
	a.Correction = found.Ratio
	if m.budget.set() {
		if err := a.choose(m.budget); err != nil {
			return err
		}
		m.quantize.File = a.recipe(base)
		m.quantize.FileType = m.quantize.File.FileType
		a.compare(m)
	}
	if m.budget.pareto != "" {
		a.Curve = a.curve(m, found.Text)
	}
	return nil
}

// compare says how many bits per weight presets would need for as little divergence, by the curve through what is expected of their types.
func (a *allocation) compare(m *newModel) {
	var points []allocate.Point
	for _, p := range a.presets(m) {
		points = append(points, allocate.Point{Bytes: p.Bytes, Cost: p.Divergence})
	}
	if bytes, ok := allocate.BytesFor(points, a.Expected); ok {
		bits := a.bitsPerWeight(int64(bytes))
		a.PresetBits, a.BitsGained = bits, bits-a.BitsPerWeight
	}
}

// allocateKnown is allocate by what an earlier run measured. Without a budget only the curve is made; if types are given, it says
// what is expected of them.
func (m *newModel) allocateKnown(typed bool) error {
	found, err := readMeasurements(m.budget.measurements)
	if err != nil {
		return err
	}
	if err := m.measuredOf(found); err != nil {
		return fmt.Errorf("%s: %w", m.budget.measurements, err)
	}
	if m.budget.set() { // a file of these types names the text, which counts among its bytes
		m.quantize.Calibration = quantize.Calibration{Name: found.Name, SHA256: found.SHA256}
	}
	opts := m.quantize
	opts.FileType, opts.File = fallbackType, nil
	base, err := quantize.NewPlan(m.src, opts)
	if err != nil {
		return err
	}
	if err := m.budget.fit(m.src); err != nil {
		return err
	}
	if err := m.allocate(base, found); err != nil {
		return err
	}
	a := m.allocation
	if typed && !m.budget.set() {
		plan, err := quantize.NewPlan(m.src, m.quantize)
		if err != nil {
			return err
		}
		if p, ok := a.planned(m.quantize.FileType.String(), plan); ok {
			a.FileBytes, a.BitsPerWeight, a.Expected = p.Bytes, p.Bits, p.Divergence
			if best, err := allocate.Solve(allocate.Classes(a.tensors), p.Bytes-a.rest); err == nil {
				a.Bound = best.Cost
			}
			if a.Curve != nil {
				a.Curve.Choice = &p
			}
		}
	}
	if !typed && a.Curve == nil {
		a.Curve = a.curve(m, found.Text)
	}
	return nil
}

// measuredOf says whether the measurements are of the model.
func (m *newModel) measuredOf(found *allocate.Measurements) error {
	model, err := imatrix.Fingerprint(m.src)
	if err != nil {
		return err
	}
	infos := map[string]gguf.TensorInfo{}
	for _, t := range m.src.Tensors() {
		infos[t.Info().Name] = t.Info()
	}
	for i, t := range found.Tensors {
		if info := infos[t.Name]; found.Model != "" && found.Model != model || info.Type != t.Type || !slices.Equal(info.Shape, t.Shape) {
			return usagef("these measurements are of another model than %s", display.Name(m.source))
		}
		for k := len(t.Types) - 1; k >= 0; k-- {
			info := t.TensorInfo
			if info.Type = t.Types[k]; !clients.AllRead(m.quantize.Clients, info) {
				t.Types, t.Losses = slices.Delete(t.Types, k, k+1), slices.Delete(t.Losses, k, k+1)
			}
		}
		found.Tensors[i] = t
	}
	return nil
}

// newAllocation is to choose the types of the tensors that were measured; others have those of base.
func newAllocation(base *quantize.Plan, tensors []allocate.Tensor) (*allocation, error) {
	sum, err := base.Summary()
	if err != nil {
		return nil, err
	}
	a := &allocation{tensors: tensors, rest: sum.FileBytes, header: sum.FileBytes - sum.Bytes, elements: sum.Elements}
	measured := a.measured()
	for _, t := range base.Tensors {
		if _, ok := measured[t.Name]; ok {
			a.rest -= allocate.Padded(t.TensorInfo, t.Type)
		}
	}
	return a, nil
}

// measured says which of the measured tensors has a name.
func (a *allocation) measured() map[string]int {
	index := map[string]int{}
	for i, t := range a.tensors {
		index[t.Name] = i
	}
	return index
}

// choose makes the choice.
func (a *allocation) choose(b budget) (err error) {
	a.MostBytes = b.bytes
	switch {
	case b.bits > 0:
		a.MostBytes = int64(b.bits*float64(a.elements)/8) + a.header
	case b.need != nil:
		a.MostBytes = b.memory - b.need.Cache - b.need.Work
		a.Memory = &memoryUse{b.context, 0, b.need.Cache, b.need.Work, 0, b.memory}
	}
	limits := allocate.Limits{Bytes: max(1, a.MostBytes-a.rest)}
	if a.MostDivergence = b.divergence; b.divergence > 0 {
		limits = allocate.Limits{Cost: b.divergence / max(1, a.Correction)}
	}
	if a.speed != nil {
		if limits.Time = 1/b.rate - a.speed.rest; limits.Time <= 0 {
			return fmt.Errorf("%w: --min-tokens-per-second %g: what a token takes beside the chosen weights allows %.4g", quantize.ErrOptions, b.rate, 1/a.speed.rest)
		}
	}
	a.choice, err = limits.Solve(a.classes())
	switch {
	case errors.Is(err, allocate.ErrTime):
		return fmt.Errorf("%w: --min-tokens-per-second %g: %w, beside %.3g ms for all else", quantize.ErrOptions, b.rate, err, 1e3*a.speed.rest)
	case errors.Is(err, allocate.ErrBudget):
		return fmt.Errorf("%w: %s is too small for this model: %w; %s of it are not a matter of choice", quantize.ErrOptions, display.Bytes(a.MostBytes), err, display.Bytes(max(0, a.rest)))
	case errors.Is(err, allocate.ErrCost):
		return fmt.Errorf("%w: --max-kld %g: %w", quantize.ErrOptions, b.divergence, err)
	case err != nil:
		return err
	}
	a.FileBytes = a.choice.Bytes + a.rest
	a.BitsPerWeight = a.bitsPerWeight(a.FileBytes)
	a.Expected, a.Bound = a.choice.Cost, a.choice.Bound
	if a.speed != nil {
		a.LeastRate, a.ExpectedRate = b.rate, 1/(a.choice.Time+a.speed.rest)
	}
	if b.divergence > 0 {
		a.Bound, a.LeastBytes = 0, int64(a.choice.Bound)+a.rest
	}
	if a.Memory != nil {
		a.Memory.Weights = a.FileBytes
		a.Memory.Sum = a.FileBytes + a.Memory.Cache + a.Memory.Work
	}
	return nil
}

// bitsPerWeight are those of the tensors in a file of that size.
func (a *allocation) bitsPerWeight(fileBytes int64) float64 {
	return 8 * float64(fileBytes-a.header) / float64(a.elements)
}

// recipe is the choice written down, with those of base for what was not measured.
func (a *allocation) recipe(base *quantize.Plan) *recipe.File {
	measured, bytes := a.measured(), map[gguf.Type]int64{}
	var list []recipe.FileTensor
	for _, t := range base.Tensors {
		f := recipe.FileTensor{Name: t.Name, Type: t.Type, Keep: t.Type == t.Source, Reason: t.Reason}
		if i, ok := measured[t.Name]; ok {
			x, k := a.tensors[i], a.choice.Of[i]
			f.Type, f.Keep = x.Types[k], false
			f.Reason = fmt.Sprintf("sensitivity %.3g, expected divergence %.3g", x.Sensitivity, x.Sensitivity*x.Losses[k])
			bytes[f.Type] += allocate.Padded(t.TensorInfo, f.Type)
		}
		list = append(list, f)
	}
	return recipe.NewFile(fileTypeOf(bytes), list)
}

// fileTypeOf names a file by the type that most of its bytes have.
func fileTypeOf(bytes map[gguf.Type]int64) recipe.FileType {
	var most gguf.Type
	for t, n := range bytes {
		if n > bytes[most] || n == bytes[most] && t < most {
			most = t
		}
	}
	for _, name := range recipe.Names() {
		if ft, err := recipe.ParseFileType(name); err == nil && ft.Default() == most {
			return ft
		}
	}
	return fallbackType
}
