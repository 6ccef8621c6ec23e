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
	"github.com/carat-llm/carat/runtime/model"
)

func runBench(ctx context.Context, s streams, g global, path string, src convert.Options, o benchOptions) error {
	var load *latency.Load
	var err error
	if o.Load { // before the model is mapped: mapped pages stay in the cache
		if load, err = benchLoad(g, path, src); err != nil {
			return err
		}
	}
	m, err := g.open(path, src)
	if err != nil {
		return err
	}
	defer m.Close()
	b := newBar(s.err, g, "measure")
	defer b.finish()
	r, err := benchModel(ctx, g, path, m, o, b)
	if err != nil {
		return err
	}
	b.finish()
	r.Model, r.Load = path, load
	return showBench(s, g, o, r, r)
}

// idle is how long the idle machine's energy is measured.
const idle = 2 * time.Second

// benchModel measures an open model; b, if not nil, shows the progress.
func benchModel(ctx context.Context, g global, path string, m gguf.Model, o benchOptions, b *bar) (*latency.Result, error) {
	subject, mod, err := benchSubject(g, path, m, o.room())
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
	if err := gguf.Unchanged(m); err != nil {
		return nil, err
	}
	r.CPU, r.Threads, r.MappedBytes = cpu.Name(), g.threads, latency.MappedBytes(m)
	if o.Noise {
		again, err := anotherSession(mod, *subject, o.Compared)
		if err != nil {
			return nil, err
		}
		if r.Noise, err = latency.MeasureNoise(ctx, *subject, *again, latency.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: progress}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// benchSubject loads m with room for so many tokens.
func benchSubject(g global, path string, m gguf.Model, room int) (*latency.Subject, *model.Model, error) {
	mod, _, err := loadModel(path, m, g)
	if err != nil {
		return nil, nil, err
	}
	sess, err := mod.NewSession(room)
	if err != nil {
		return nil, nil, err
	}
	return &latency.Subject{Session: sess, Vocab: mod.Vocab(), Work: latency.WorkOf(m)}, mod, nil
}

// anotherSession is the same model as if it were another.
func anotherSession(mod *model.Model, of latency.Subject, s latency.Spec) (*latency.Subject, error) {
	sess, err := mod.NewSession(s.Room())
	if err != nil {
		return nil, err
	}
	of.Session = sess
	return &of, nil
}

// benchLoad measures the time from opening path to the first token's logits.
func benchLoad(g global, path string, src convert.Options) (*latency.Load, error) {
	var files []string
	first := func() (err error) {
		m, err := g.open(path, src)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		subject, _, err := benchSubject(g, path, m, 1)
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
		m, err := g.open(p, src)
		if err != nil {
			return err
		}
		defer m.Close()
		models = append(models, m)
		subject, mod, err := benchSubject(g, p, m, o.Compared.Room())
		if err != nil {
			return err
		}
		if i == 0 {
			if again, err = anotherSession(mod, *subject, o.Compared); err != nil {
				return err
			}
		}
		mapped[i] = latency.MappedBytes(m)
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
	}
	return showBench(s, g, o, c, c.A, c.B)
}
