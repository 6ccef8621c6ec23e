package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/eval/bench"
	benchrun "github.com/carat-llm/carat/eval/bench/run"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
)

// runBench measures configurations one after the other.
func runBench(ctx context.Context, g global, configs []benchConfig, o benchOptions) error {
	var results []*bench.Result
	for i, x := range configs {
		label := "measure"
		if len(configs) > 1 {
			label = fmt.Sprintf("measure %d of %d", i+1, len(configs))
		}
		known := i == 0 || bench.ForgetPeakMemory()
		r, err := benchOne(ctx, x.use(g), x, o, label)
		if err != nil {
			return err
		}
		if !known { // it may be that of an earlier one
			r.PeakMemory = 0
		}
		results = append(results, r)
	}
	if len(results) > 1 {
		return showBench(g, o, benchGrid{results}, results...)
	}
	return showBench(g, o, results[0], results...)
}

// benchGrid is the JSON of several configurations.
type benchGrid struct {
	Configurations []*bench.Result `json:"configurations"`
}

// benchOne opens, measures and closes one configuration.
func benchOne(ctx context.Context, g global, x benchConfig, o benchOptions, label string) (r *bench.Result, err error) {
	opts := g.computed(engine.Options{Source: func(path string) (gguf.Model, error) { return g.open(path, o.Source) }})
	var load *bench.Load
	if o.Load { // before the model is mapped: mapped pages stay in the cache
		if load, err = benchrun.Load(x.path, opts); err != nil {
			return nil, err
		}
	}
	before, err := benchrun.BandwidthBefore(x.path, opts, o.Options)
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(x.path, opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	b := newBar(g, label)
	defer b.finish()
	o.Progress = b.update
	if r, err = benchrun.Measure(ctx, e, o.Options); err != nil {
		return nil, err
	}
	x.describe(r)
	r.Load, r.ReadBandwidth = load, max(r.ReadBandwidth, before)
	return r, nil
}

// runBenchCompare times two configurations in turns.
func runBenchCompare(ctx context.Context, g global, configs [2]benchConfig, o benchOptions) error {
	var engines [2]*engine.Engine
	for i, x := range configs {
		e, err := x.use(g).engine(x.path, o.Source, engine.Options{})
		if err != nil {
			return err
		}
		defer e.Close()
		engines[i] = e
	}
	b := newBar(g, "compare")
	defer b.finish()
	o.Progress = b.update
	c, err := benchrun.Compare(ctx, engines[0], engines[1], o.Options)
	if err != nil {
		return err
	}
	b.finish()
	configs[0].describe(c.A)
	configs[1].describe(c.B)
	return showBench(g, o, c, c.A, c.B)
}
