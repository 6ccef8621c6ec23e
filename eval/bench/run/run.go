// Package run measures models by package bench: it gives that what it needs of a model that package engine has made ready,
// and of the machine: its counters of energy, the bandwidth of its memory.
package run

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/bandwidth"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/runtime/engine"
)

// Options say what is measured.
type Options struct {
	Tests       []bench.Spec
	Repetitions int
	Energy      bool       // of decoding, where counters are readable
	Bandwidth   bool       // that of memory, beside that of decoding
	Noise       bool       // by comparing the model with itself
	Compared    bench.Spec // by Noise and by Compare
	Rounds      int        // of them; 0 is the least
	// Progress, if not nil, is told the bytes of weights that were read and will be.
	Progress func(done, total int64)
}

// Short is what reports hold of a model that is evaluated over chunks of so many tokens.
func Short(chunk int) Options {
	return Options{Tests: bench.Grid{Prompts: []int{min(128, chunk)}, Generate: []int{min(32, chunk)}}.Specs(), Repetitions: 5, Energy: true}
}

// decodes reports whether memory's bandwidth is asked for, as a test that only decodes needs it.
func (o *Options) decodes() bool {
	return o.Bandwidth && slices.ContainsFunc(o.Tests, func(s bench.Spec) bool { return s.Prompt == 0 })
}

// room is the tokens that a session must hold.
func (o *Options) room() int {
	n := 0
	for _, s := range o.Tests {
		n = max(n, s.Room())
	}
	return n
}

// progress is Progress for repetitions, of which each reads the weights.
func (o *Options) progress(weights int64) func(done, total int) {
	return func(done, total int) {
		if o.Progress != nil {
			o.Progress(int64(done)*weights, int64(total)*weights)
		}
	}
}

// idle is how long the idle machine's energy is measured.
const idle = 2 * time.Second

// Measure measures the model of e. The result's Model is the caller's to fill in, and Load, which needs a model that is not
// open.
func Measure(ctx context.Context, e *engine.Engine, o Options) (*bench.Result, error) {
	subject, err := subjectOf(e, o.room())
	if err != nil {
		return nil, err
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
	progress := o.progress(subject.Work.Bytes)
	r, err := bench.Measure(ctx, *subject, bench.Options{Tests: o.Tests, Repetitions: o.Repetitions, Meter: meter, ReadBandwidth: memory, Progress: progress})
	if err != nil {
		return nil, err
	}
	if err := gguf.Unchanged(e.Source()); err != nil {
		return nil, err
	}
	describe(r, e)
	if o.Noise {
		again, err := subjectOf(e, o.Compared.Room()) // the same model as if it were another
		if err != nil {
			return nil, err
		}
		if r.Noise, err = bench.MeasureNoise(ctx, *subject, *again, bench.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: progress}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Compare times two models in turns, and a against itself. The Model of both results is the caller's to fill in.
func Compare(ctx context.Context, a, b *engine.Engine, o Options) (*bench.Comparison, error) {
	var subjects []bench.Subject
	for _, e := range []*engine.Engine{a, a, b} {
		s, err := subjectOf(e, o.Compared.Room())
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, *s)
	}
	c, err := bench.Compare(ctx, subjects[0], subjects[1], subjects[2],
		bench.Rounds{Rounds: o.Rounds, Spec: o.Compared, Progress: o.progress(subjects[0].Work.Bytes)})
	if err != nil {
		return nil, err
	}
	if err := gguf.Unchanged(a.Source(), b.Source()); err != nil {
		return nil, err
	}
	describe(c.A, a)
	describe(c.B, b)
	return c, nil
}

// describe fills in how the model of r was computed, and where.
func describe(r *bench.Result, e *engine.Engine) {
	r.CPU, r.Threads, r.MappedBytes = cpu.Name(), e.Threads(), bench.MappedBytes(e.Source())
	r.Compute, r.KVType = e.Compute().String(), e.KVType().String()
}

// subjectOf is a sequence over e with room for so many tokens.
func subjectOf(e *engine.Engine, room int) (*bench.Subject, error) {
	sess, err := e.NewSession(room)
	if err != nil {
		return nil, err
	}
	return &bench.Subject{Session: sess, Vocab: e.Vocab(), Work: bench.WorkOf(e.Source())}, nil
}
