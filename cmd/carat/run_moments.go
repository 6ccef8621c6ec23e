package main

import (
	"context"
	"fmt"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/hessian"
	"github.com/carat-llm/carat/quantize/recipe"
)

// runMoments says how much the second moments that --calibration gathers of a text tell about each layer. Nothing is written.
func runMoments(ctx context.Context, g global, path string, from convert.Options, o imatrixOptions) error {
	src, err := g.open(path, from)
	if err != nil {
		return err
	}
	defer src.Close()
	plan, err := quantize.NewPlan(src, quantize.Options{FileType: recipe.Q4_K_M})
	if err != nil {
		return err
	}
	eligible := map[string]bool{}
	for _, t := range plan.Tensors {
		eligible[t.Name] = t.Eligible
	}
	c := calibrationOptions{in: g.in, Texts: []string{o.Text}, Chunks: o.Chunks}
	defer c.close()
	m, err := c.ready(g, path, src)
	if err != nil {
		return err
	}
	walk, err := m.NewWalk(m.chunks)
	if err != nil {
		return fmt.Errorf("%s: --hessian: %w", path, err)
	}
	b := newCounter(g, "look at layers")
	b.update(0, int64(walk.Layers()+1))
	covered, err := hessian.Survey(ctx, walk, len(m.chunks), m.Product, func(x hessian.Matrix) bool { return eligible[x.Tensor] }, momentBytes,
		func(layer int) { b.update(int64(layer+1), int64(walk.Layers()+1)) })
	b.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r := newMomentsReport(o, len(m.chunks), c.text.SHA256, covered)
	if g.json {
		return printJSON(g.out, r)
	}
	if !g.quiet {
		r.print(g.out)
	}
	return nil
}
