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
// OUT.rounding, which is to be removed when the output is written. An interrupted run continues with the layers that are done.
// Without a text, or an output, the plan stays what it is and nothing is kept. The text's model is not needed any more then.
func roundBy(ctx context.Context, m *newModel) (*round.Store, error) {
	defer m.calibration.close()
	if m.calibration.Text == "" || m.out == "" {
		return nil, nil
	}
	c, err := m.calibration.ready(m.g, m.source, m.src)
	if err != nil {
		return nil, err
	}
	walk, err := c.NewWalk(c.chunks)
	if err != nil {
		return nil, fmt.Errorf("%s: --calibration: %w", m.source, err)
	}
	targets, key, err := roundingTargets(m, c)
	if err != nil {
		return nil, err
	}
	store, err := round.OpenStore(m.out+".rounding", key)
	if err != nil {
		return nil, err
	}
	b := newCounter(m.g, "round layers")
	defer b.finish()
	b.update(0, int64(walk.Layers()+1))
	err = round.Run(ctx, walk, targets, round.Settings{
		Options: round.Options{Sweeps: roundingSweeps, Rescale: true, Product: c.Product, Each: c.Each}, Chunks: len(c.chunks), Memory: momentBytes, Store: store,
		Done: func(layer int, _ []round.Tensor) error {
			b.update(int64(layer+1), int64(walk.Layers()+1))
			return nil
		},
	})
	if errors.Is(err, context.Canceled) {
		err = &interruption{"interrupted while rounding", m.out + ".rounding keeps the layers that are done: the same command continues with them"}
	}
	if err == nil {
		err = m.plan.Take(store.Tensors())
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// roundingTargets are the tensors that m quantizes, and what names them, the text and all that the result depends on.
func roundingTargets(m *newModel, c *calibrated) ([]round.Target, string, error) {
	model, err := imatrix.Fingerprint(m.src)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat rounding with scales", buildinfo.Version(), model, c.sha256, len(c.chunks), calibrationContext, roundingSweeps)
	types := map[string]gguf.Type{}
	for _, t := range m.plan.Tensors {
		if t.Type.Quantized() && t.Type != t.Source {
			types[t.Name] = t.Type
			fmt.Fprintln(sum, t.Name, t.Type)
		}
	}
	var targets []round.Target
	for _, t := range m.src.Tensors() {
		if typ, ok := types[t.Info().Name]; ok {
			targets = append(targets, round.Target{Tensor: t, Type: typ})
		}
	}
	return targets, hex.EncodeToString(sum.Sum(nil)), nil
}
