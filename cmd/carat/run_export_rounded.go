package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/convert/export"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/round"
)

// roundedModel is a model some of whose tensors are others.
type roundedModel struct {
	gguf.Model
	others map[string]gguf.Tensor
}

func (m roundedModel) Tensors() []gguf.Tensor {
	all := m.Model.Tensors()
	out := make([]gguf.Tensor, len(all))
	for i, t := range all {
		out[i] = t
		if other, ok := m.others[t.Info().Name]; ok {
			out[i] = other
		}
	}
	return out
}

// roundedAs says how the matrices of a folder are rounded.
type roundedAs struct {
	calibration *calibrationOptions
	encoding    *export.Rounding // nil: the format's values are floats
	format      string           // names it
}

// roundTo rounds the tensors that plan quantizes, makes f's model have them, and returns what keeps them, which is to be removed when
// the folder is written.
func (f *hfFolder) roundTo(ctx context.Context, g global, plan *export.Plan, as roundedAs) (*round.Store, error) {
	wanted := map[string]bool{}
	for _, name := range plan.Quantized() {
		wanted[name] = true
	}
	if len(wanted) == 0 {
		return nil, usagef("--calibration has no effect: the matrices of %s keep the codes that they have", f.source)
	}
	var targets []round.Target
	for _, t := range f.src.Tensors() {
		if wanted[t.Info().Name] {
			targets = append(targets, round.Target{Tensor: t, Type: as.encoding.Type, Encoder: as.encoding.Encode})
		}
	}
	store, err := rounding{g, f.source, f.src, f.out, as.calibration, targets, fmt.Sprint(as.format, plan.Type)}.run(ctx)
	if err != nil || store == nil {
		return nil, err
	}
	m := roundedModel{f.src, map[string]gguf.Tensor{}}
	for _, t := range store.Tensors() {
		m.others[t.Info().Name] = t
	}
	f.model = m
	return store, nil
}

// writeRounded writes a folder whose matrices are rounded by the calibration text, if there is one. planOf plans what becomes of a model,
// rounded or not.
func (f hfFolder) writeRounded(ctx context.Context, g global, as roundedAs, planOf func(m gguf.Model, rounded bool) (*export.Plan, error)) error {
	plan, err := planOf(f.src, false)
	if !as.calibration.set() || f.out == "" || err != nil {
		return f.write(ctx, g, plan, err)
	}
	if as.encoding == nil {
		return usagef("--calibration has no effect with --scheme %s, whose values are floats", plan.Kind)
	}
	store, err := f.roundTo(ctx, g, plan, as)
	if err != nil {
		return err
	}
	plan, err = planOf(f.model, true)
	if err = f.write(ctx, g, plan, err); err != nil {
		return errors.Join(err, store.Close())
	}
	return store.Remove()
}
