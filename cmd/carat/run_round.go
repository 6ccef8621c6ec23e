package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/round"
)

// roundBy rounds the tensors that m quantizes by the calibration text, makes the plan take them, and returns what keeps them:
// OUT.rounding, which is to be removed when the output is written. Without a text, or an output, the plan stays what it is and
// nothing is kept. The text's model is not needed any more then.
func roundBy(ctx context.Context, m *newModel) (*round.Store, error) {
	types := map[string]gguf.Type{}
	for _, t := range m.plan.Tensors {
		if t.Type.Quantized() && t.Type != t.Source {
			types[t.Name] = t.Type
		}
	}
	var targets []round.Target
	for _, t := range m.src.Tensors() {
		if typ, ok := types[t.Info().Name]; ok {
			targets = append(targets, round.Target{Tensor: t, Type: typ})
		}
	}
	store, err := rounding{m.g, m.source, m.src, m.out, &m.calibration, targets, ""}.run(ctx)
	if err != nil || store == nil {
		return nil, err
	}
	if err := m.plan.Take(store.Tensors()); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// rounding rounds tensors of a model by a calibration text.
type rounding struct {
	g           global
	source      string // what src was opened from
	src         gguf.Model
	out         string
	calibration *calibrationOptions
	targets     []round.Target
	format      string // of what they are encoded for, if that is not GGUF
}

// run returns what keeps the tensors, OUT.rounding, which is to be removed when the output is written; nil without a text, or an
// output. An interrupted run continues with the layers that are done.
func (r rounding) run(ctx context.Context) (*round.Store, error) {
	defer r.calibration.close()
	if !r.calibration.set() || r.out == "" {
		return nil, nil
	}
	c, err := r.calibration.ready(r.g, r.source, r.src)
	if err != nil {
		return nil, err
	}
	walk, err := c.NewWalk(c.chunks)
	if err != nil {
		return nil, fmt.Errorf("%s: --calibration: %w", r.source, err)
	}
	key, err := r.key(c)
	if err != nil {
		return nil, err
	}
	store, err := round.OpenStore(r.out+".rounding", key)
	if err != nil {
		return nil, err
	}
	b := newCounter(r.g, "round layers")
	defer b.finish()
	b.update(0, int64(walk.Layers()+1))
	err = round.Run(ctx, walk, r.targets, round.Settings{
		Options: round.Options{Sweeps: roundingSweeps, Rescale: true, Product: c.Product, Each: c.Each}, Chunks: len(c.chunks), Memory: momentBytes, Store: store,
		Done: func(layer int, _ []round.Tensor) error {
			b.update(int64(layer+1), int64(walk.Layers()+1))
			return nil
		},
	})
	if errors.Is(err, context.Canceled) {
		err = &interruption{"interrupted while rounding", r.out + ".rounding keeps the layers that are done: the same command continues with them"}
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// key names the model, the text, the tensors and all else that the result depends on.
func (r rounding) key(c *calibrated) (string, error) {
	model, err := imatrix.Fingerprint(r.src)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat rounding with scales", buildinfo.Version(), model, c.sha256, len(c.chunks), calibrationContext, roundingSweeps, r.format)
	for _, t := range r.targets {
		fmt.Fprintln(sum, t.Info().Name, t.Type)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
