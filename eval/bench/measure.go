package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/carat-llm/carat/gguf"
)

// Session is what measuring needs of runtime/model: one sequence with its KV cache.
type Session interface {
	// Truncate forgets all tokens but the first n.
	Truncate(n int)
	// Forward appends ids and fills logits, (len(ids)-from) x vocab row-major, for ids[from:].
	Forward(ids []int32, from int, logits []float32) error
	// Bytes is the memory of the cache and the buffers.
	Bytes() int64
}

// Subject is a model ready to be measured.
type Subject struct {
	Session Session
	Vocab   int
	Work    Work
}

// Clock tells the time; time.Now where it is nil.
type Clock func() time.Time

// Options of Measure.
type Options struct {
	Tests       []Spec
	Repetitions int // 0 means 5
	Clock       Clock
	// Meter, if not nil, is read around the decoding of the first test that only decodes.
	Meter *Meter
	// ReadBandwidth, if not nil, measures the bytes a second that memory gives, for what decoding reads of it. It is
	// called after the tests, when the memory that they took is known.
	ReadBandwidth func() float64
	// Progress, if not nil, is called between repetitions, never while the clock runs.
	Progress func(done, total int)
}

// Measure runs the tests one after the other. The result's Model, CPU, Threads, Load and MappedBytes are the
// caller's to fill in. Counts that are out of range wrap gguf.ErrInput.
func Measure(ctx context.Context, m Subject, o Options) (*Result, error) {
	if o.Repetitions == 0 {
		o.Repetitions = 5
	}
	if o.Repetitions < 1 {
		return nil, fmt.Errorf("%w: at least 1 repetition is needed (got %d)", gguf.ErrInput, o.Repetitions)
	}
	for _, s := range o.Tests {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	r := &Result{WeightBytes: m.Work.Bytes, MultiplyAdds: m.Work.MultiplyAdds, Tests: []Test{}}
	t := newTimer(m, o.Clock)
	for i, s := range o.Tests {
		c := &collector{spec: s}
		var joules, seconds float64
		metered := o.Meter != nil && s.Prompt == 0 && r.Energy == nil
		if err := t.fill(ctx, s.Depth); err != nil {
			return nil, err
		}
		for rep := range o.Repetitions + 1 {
			if metered {
				o.Meter.Start()
			}
			run, err := t.run(ctx, s)
			if err != nil {
				return nil, err
			}
			if rep == 0 {
				continue // to warm up
			}
			if metered {
				joules += o.Meter.Joules()
				seconds += run.total
			}
			c.add(run)
			if o.Progress != nil {
				o.Progress(i*o.Repetitions+rep, len(o.Tests)*o.Repetitions)
			}
		}
		r.Tests = append(r.Tests, c.test(m.Work.Bytes))
		if metered {
			r.Energy = o.Meter.energy(joules, seconds, s.Generate*o.Repetitions)
		}
	}
	r.SessionBytes, r.PeakMemory = m.Session.Bytes(), PeakMemory()
	if o.ReadBandwidth != nil {
		r.ReadBandwidth = o.ReadBandwidth()
	}
	return r, nil
}

// timer feeds made-up tokens to a session and times it.
type timer struct {
	m      Subject
	clock  Clock
	logits []float32
	state  uint32
}

func newTimer(m Subject, clock Clock) *timer {
	if clock == nil {
		clock = time.Now
	}
	return &timer{m: m, clock: clock, logits: make([]float32, m.Vocab)}
}

// run is one repetition's times in seconds.
type run struct {
	total, prompt float64
	steps         []float64 // of each token decoded
}

// next is a token of a fixed pseudo-random sequence (a 32-bit linear congruential generator).
func (t *timer) next() int32 {
	t.state = t.state*1664525 + 1013904223
	return int32(uint64(t.state) * uint64(t.m.Vocab) >> 32)
}

func (t *timer) tokens(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = t.next()
	}
	return ids
}

// fill puts depth tokens into an empty cache; every run starts from them.
func (t *timer) fill(ctx context.Context, depth int) error {
	t.m.Session.Truncate(0)
	if err := ctx.Err(); err != nil || depth == 0 {
		return err
	}
	return t.m.Session.Forward(t.tokens(depth), depth, nil)
}

// run times s once, on the cache that fill left.
func (t *timer) run(ctx context.Context, s Spec) (run, error) {
	if err := ctx.Err(); err != nil {
		return run{}, err
	}
	t.m.Session.Truncate(s.Depth)
	prompt, ids := t.tokens(s.Prompt), t.tokens(s.Generate)
	r := run{steps: make([]float64, 0, s.Generate)}
	start := t.clock()
	last := start
	lap := func() float64 {
		now := t.clock()
		d := now.Sub(last).Seconds()
		last = now
		return d
	}
	if s.Prompt > 0 {
		if err := t.prompt(ctx, prompt, s.Batch); err != nil {
			return run{}, err
		}
		r.prompt = lap()
	}
	for i := range ids {
		if err := ctx.Err(); err != nil {
			return run{}, err
		}
		if err := t.m.Session.Forward(ids[i:i+1], 0, t.logits); err != nil {
			return run{}, err
		}
		r.steps = append(r.steps, lap())
	}
	r.total = last.Sub(start).Seconds()
	return r, nil
}

// prompt evaluates ids, batch a call, for the logits of the last.
func (t *timer) prompt(ctx context.Context, ids []int32, batch int) error {
	for ; batch > 0 && len(ids) > batch; ids = ids[batch:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.m.Session.Forward(ids[:batch], batch, nil); err != nil {
			return err
		}
	}
	return t.m.Session.Forward(ids, len(ids)-1, t.logits)
}
