package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/runtime/engine"
)

func runBench(ctx context.Context, s streams, g global, path string, src convert.Options, o benchOptions) error {
	var load *latency.Load
	var err error
	if o.Load { // before the model is mapped: mapped pages stay in the cache
		if load, err = benchLoad(g, path, src); err != nil {
			return err
		}
	}
	e, err := g.engine(path, src, engine.Options{})
	if err != nil {
		return err
	}
	defer e.Close()
	b := newBar(s.err, g, "measure")
	defer b.finish()
	r, err := benchModel(ctx, e, o, b)
	if err != nil {
		return err
	}
	b.finish()
	r.Model, r.Load = path, load
	return showBench(s, g, o, r, r)
}

// idle is how long the idle machine's energy is measured.
const idle = 2 * time.Second

// benchModel measures a loaded model; b, if not nil, shows the progress.
func benchModel(ctx context.Context, e *engine.Engine, o benchOptions, b *bar) (*latency.Result, error) {
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
	var meter *latency.Meter
	if o.Energy {
		meter = latency.NewMeter(os.DirFS(latency.PowercapRoot))
	}
	if meter != nil {
		if err := meter.Idle(ctx, idle, latency.Wait); err != nil {
			return nil, err
		}
	}
	r, err := latency.Measure(ctx, *subject, latency.Options{Tests: o.Tests, Repetitions: o.Repetitions, Meter: meter, Progress: progress})
	if err != nil {
		return nil, err
	}
	if err := gguf.Unchanged(e.Source()); err != nil {
		return nil, err
	}
	r.CPU, r.Threads, r.MappedBytes = cpu.Name(), e.Threads(), latency.MappedBytes(e.Source())
	r.Compute, r.KVType = e.Compute().String(), e.KVType().String()
	if o.Noise {
		again, err := benchSubject(e, o.Compared.Room()) // the same model as if it were another
		if err != nil {
			return nil, err
		}
		if r.Noise, err = latency.MeasureNoise(ctx, *subject, *again, latency.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: progress}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// benchSubject is a sequence over e with room for so many tokens.
func benchSubject(e *engine.Engine, room int) (*latency.Subject, error) {
	sess, err := e.NewSession(room)
	if err != nil {
		return nil, err
	}
	return &latency.Subject{Session: sess, Vocab: e.Vocab(), Work: latency.WorkOf(e.Source())}, nil
}

// benchLoad measures the time from opening path to the first token's logits.
func benchLoad(g global, path string, src convert.Options) (*latency.Load, error) {
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
		files, _ = filepath.Glob(filepath.Join(path, "*.safetensors"))
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	return latency.MeasureLoad(first, func() error { return latency.DropCache(files...) }, nil)
}

func runBenchCompare(ctx context.Context, s streams, g global, paths []string, src convert.Options, o benchOptions) error {
	var subjects []latency.Subject
	var again *latency.Subject
	var mapped [2]int64
	var models []gguf.Model
	for i, p := range paths {
		e, err := g.engine(p, src, engine.Options{})
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
		mapped[i] = latency.MappedBytes(e.Source())
		subjects = append(subjects, *subject)
	}
	b := newBar(s.err, g, "compare")
	defer b.finish()
	c, err := latency.Compare(ctx, subjects[0], *again, subjects[1], latency.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: func(done, total int) {
		b.update(int64(done)*subjects[0].Work.Bytes, int64(total)*subjects[0].Work.Bytes)
	}})
	if err != nil {
		return err
	}
	b.finish()
	if err := gguf.Unchanged(models...); err != nil {
		return err
	}
	for i, r := range []*latency.Result{c.A, c.B} {
		r.Model, r.CPU, r.Threads, r.MappedBytes = paths[i], cpu.Name(), g.threads, mapped[i]
		r.Compute, r.KVType = g.computing.compute.String(), g.computing.kv.String()
	}
	return showBench(s, g, o, c, c.A, c.B)
}
