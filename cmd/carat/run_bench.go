package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/bandwidth"
	"github.com/carat-llm/carat/internal/cpu"
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
	var load *bench.Load
	if o.Load { // before the model is mapped: mapped pages stay in the cache
		if load, err = benchLoad(g, x.path, o.Source); err != nil {
			return nil, err
		}
	}
	before, err := bandwidthBefore(g, x, o)
	if err != nil {
		return nil, err
	}
	e, err := g.engine(x.path, o.Source, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	b := newBar(g, label)
	defer b.finish()
	if r, err = benchModel(ctx, e, o, b); err != nil {
		return nil, err
	}
	x.describe(r)
	r.Load, r.ReadBandwidth = load, max(r.ReadBandwidth, before)
	return r, nil
}

// bandwidthBefore measures memory before the model is loaded, too: with neighbours it gives less at times, and the better
// of two is nearer to what decoding could have. It is 0 where the memory that it takes would count as the model's.
func bandwidthBefore(g global, x benchConfig, o benchOptions) (float64, error) {
	if !o.decodes() || !bench.ForgetPeakMemory() {
		return 0, nil
	}
	m, err := g.open(x.path, o.Source)
	if err != nil {
		return 0, err
	}
	size := bandwidth.Size(bench.WorkOf(m).Bytes)
	if err := m.Close(); err != nil {
		return 0, err
	}
	rate := bandwidth.Read(x.threads, size)
	bench.ForgetPeakMemory()
	return rate, nil
}

// idle is how long the idle machine's energy is measured.
const idle = 2 * time.Second

// benchModel measures a loaded model; b, if not nil, shows the progress.
func benchModel(ctx context.Context, e *engine.Engine, o benchOptions, b *bar) (*bench.Result, error) {
	subject, err := benchSubject(e, o.room())
	if err != nil {
		return nil, err
	}
	// In bytes of weights, as every bar of carat counts bytes.
	progress := func(done, total int) {
		if b != nil {
			b.update(int64(done)*subject.Work.Bytes, int64(total)*subject.Work.Bytes)
		}
	}
	var meter *bench.Meter
	if o.Energy {
		meter = bench.NewMeter(os.DirFS(bench.PowercapRoot))
	}
	if meter != nil {
		if err := meter.Idle(ctx, idle, bench.Wait); err != nil {
			return nil, err
		}
	}
	var memory func() float64
	if o.decodes() {
		memory = func() float64 { return bandwidth.Read(e.Threads(), bandwidth.Size(subject.Work.Bytes)) }
	}
	r, err := bench.Measure(ctx, *subject, bench.Options{Tests: o.Tests, Repetitions: o.Repetitions, Meter: meter, ReadBandwidth: memory, Progress: progress})
	if err != nil {
		return nil, err
	}
	if err := gguf.Unchanged(e.Source()); err != nil {
		return nil, err
	}
	r.CPU, r.Threads, r.MappedBytes = cpu.Name(), e.Threads(), bench.MappedBytes(e.Source())
	r.Compute, r.KVType = e.Compute().String(), e.KVType().String()
	if o.Noise {
		again, err := benchSubject(e, o.Compared.Room()) // the same model as if it were another
		if err != nil {
			return nil, err
		}
		if r.Noise, err = bench.MeasureNoise(ctx, *subject, *again, bench.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: progress}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// benchSubject is a sequence over e with room for so many tokens.
func benchSubject(e *engine.Engine, room int) (*bench.Subject, error) {
	sess, err := e.NewSession(room)
	if err != nil {
		return nil, err
	}
	return &bench.Subject{Session: sess, Vocab: e.Vocab(), Work: bench.WorkOf(e.Source())}, nil
}

// benchLoad measures the time from opening path to the first token's logits.
func benchLoad(g global, path string, src convert.Options) (*bench.Load, error) {
	var files []string
	first := func() (err error) {
		e, err := g.engine(path, src, engine.Options{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, e.Close()) }()
		subject, err := benchSubject(e, 1)
		if err != nil {
			return err
		}
		return subject.Session.Forward([]int32{0}, 0, make([]float32, subject.Vocab))
	}
	m, err := g.open(path, src)
	if err != nil {
		return nil, err
	}
	if f, ok := m.(*gguf.File); ok {
		files = f.Paths()
	} else {
		for _, pattern := range []string{"*.safetensors", "pytorch_model*.bin"} {
			found, _ := filepath.Glob(filepath.Join(path, pattern))
			files = append(files, found...)
		}
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	return bench.MeasureLoad(first, func() error { return bench.DropCache(files...) }, nil)
}

// runBenchCompare times two configurations in turns.
func runBenchCompare(ctx context.Context, g global, configs [2]benchConfig, o benchOptions) error {
	var subjects []bench.Subject
	var again *bench.Subject
	var mapped [2]int64
	var models []gguf.Model
	for i, x := range configs {
		e, err := x.use(g).engine(x.path, o.Source, engine.Options{})
		if err != nil {
			return err
		}
		defer e.Close()
		models = append(models, e.Source())
		subject, err := benchSubject(e, o.Compared.Room())
		if err != nil {
			return err
		}
		if i == 0 {
			if again, err = benchSubject(e, o.Compared.Room()); err != nil {
				return err
			}
		}
		mapped[i] = bench.MappedBytes(e.Source())
		subjects = append(subjects, *subject)
	}
	b := newBar(g, "compare")
	defer b.finish()
	c, err := bench.Compare(ctx, subjects[0], *again, subjects[1], bench.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: func(done, total int) {
		b.update(int64(done)*subjects[0].Work.Bytes, int64(total)*subjects[0].Work.Bytes)
	}})
	if err != nil {
		return err
	}
	b.finish()
	if err := gguf.Unchanged(models...); err != nil {
		return err
	}
	for i, r := range []*bench.Result{c.A, c.B} {
		r.CPU, r.MappedBytes = cpu.Name(), mapped[i]
		configs[i].describe(r)
	}
	return showBench(g, o, c, c.A, c.B)
}
