package bench

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/gguf"
)

// MinRounds is the least number of rounds that an interval can be made from.
const MinRounds = 8

// Rounds are the options of comparing turn by turn.
type Rounds struct {
	Rounds   int // 0 means MinRounds; fewer are refused
	Spec     Spec
	Clock    Clock
	Progress func(done, total int) // called between timings
}

// Comparison is two models measured turn by turn, and how much of their difference may be noise.
type Comparison struct {
	Test  string    `json:"test"`
	A     *Result   `json:"a"`
	B     *Result   `json:"b"`
	Ratio Noise     `json:"ratio"` // B/A; above 1, B is faster
	Noise Noise     `json:"noise"` // A/A
	Says  Direction `json:"reading"`
}

// Direction is what a comparison shows of B.
type Direction string

// A difference counts when its whole interval is beyond what the A/A check shows: intervals take rounds for independent,
// which they are not on a busy machine.
const (
	Faster    Direction = "faster"
	Slower    Direction = "slower"
	Undecided Direction = "no difference that can be judged"
)

// MeasureNoise is the A/A check: a and again are two sessions of one model.
func MeasureNoise(ctx context.Context, a, again Subject, o Rounds) (*Noise, error) {
	t, err := newTurns(ctx, o, a, again)
	if err != nil {
		return nil, err
	}
	var ratios []float64
	for range t.o.Rounds {
		r, err := t.turn(0, 1)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, r)
	}
	n := noise(ratios)
	return &n, nil
}

// Compare measures a against b and, round by round in between, a against again, a second session of a's model. The
// results of a and b hold the one test of o.Spec.
func Compare(ctx context.Context, a, again, b Subject, o Rounds) (*Comparison, error) {
	t, err := newTurns(ctx, o, a, again, b)
	if err != nil {
		return nil, err
	}
	var ab, aa []float64
	for range t.o.Rounds {
		r, err := t.turn(0, 2)
		if err != nil {
			return nil, err
		}
		ab = append(ab, r)
		if r, err = t.turn(0, 1); err != nil {
			return nil, err
		}
		aa = append(aa, r)
	}
	c := &Comparison{Test: o.Spec.Name(), A: t.result(0), B: t.result(2), Ratio: noise(ab), Noise: noise(aa)}
	c.Says = c.reading()
	return c, nil
}

func (c *Comparison) reading() Direction {
	switch {
	case c.Ratio.Low > 1+c.Noise.Spread:
		return Faster
	case c.Ratio.High < 1-c.Noise.Spread:
		return Slower
	}
	return Undecided
}

// Reading says the comparison in a sentence or two.
func (c *Comparison) Reading() string {
	r := c.Ratio
	return fmt.Sprintf("B/A %.4f (95 %% interval %.4f to %.4f, %d rounds): %s.\nNo difference can be judged below %.1f %%, by the A/A check.",
		r.Ratio, r.Low, r.High, r.Rounds, c.verdict(), 100*c.Noise.Spread)
}

func (c *Comparison) verdict() string {
	if c.Says == Undecided {
		return string(Undecided)
	}
	return fmt.Sprintf("B is %s by %.1f %%", c.Says, 100*math.Abs(c.Ratio.Ratio-1))
}

// turns times several subjects in turn.
type turns struct {
	ctx     context.Context
	o       Rounds
	timers  []*timer
	results []*collector
	done    int
	all     int
}

// newTurns fills each cache to the depth and runs each subject once without counting it.
func newTurns(ctx context.Context, o Rounds, subjects ...Subject) (*turns, error) {
	if o.Rounds == 0 {
		o.Rounds = MinRounds
	}
	if o.Rounds < MinRounds {
		return nil, fmt.Errorf("%w: %d rounds are too few for an interval: at least %d are needed", gguf.ErrInput, o.Rounds, MinRounds)
	}
	if err := o.Spec.check(); err != nil {
		return nil, err
	}
	t := &turns{ctx: ctx, o: o, all: 4 * o.Rounds * (len(subjects) - 1)}
	for _, s := range subjects {
		tm := newTimer(s, o.Clock)
		if err := tm.fill(ctx, o.Spec.Depth); err != nil {
			return nil, err
		}
		if _, err := tm.run(ctx, o.Spec); err != nil {
			return nil, err
		}
		t.timers, t.results = append(t.timers, tm), append(t.results, &collector{spec: o.Spec})
	}
	return t, nil
}

// turn is one round of subjects i and j, i j j i; it returns the ratio of their rates, j/i.
func (t *turns) turn(i, j int) (float64, error) {
	var seconds [2]float64
	for k, s := range [4]int{i, j, j, i} {
		r, err := t.timers[s].run(t.ctx, t.o.Spec)
		if err != nil {
			return 0, err
		}
		t.results[s].add(r)
		seconds[(k+1)/2%2] += r.total
		t.done++
		if t.o.Progress != nil {
			t.o.Progress(t.done, t.all)
		}
	}
	return max(seconds[0], shortest) / max(seconds[1], shortest), nil
}

func (t *turns) result(i int) *Result {
	m := t.timers[i].m
	return &Result{WeightBytes: m.Work.Bytes, MultiplyAdds: m.Work.MultiplyAdds, SessionBytes: m.Session.Bytes(),
		Tests: []Test{t.results[i].test(m.Work.Bytes)}}
}

// noise is the median of the rounds' ratios with its interval.
func noise(ratios []float64) Noise {
	b := stats.NewBootstrap(len(ratios), func(counts []int) float64 { return median(ratios, counts) })
	low, high := stats.Interval(b, 0.95)
	return Noise{Rounds: len(ratios), Ratio: b.Estimate(), Low: low, High: high, Spread: max(math.Abs(low-1), math.Abs(high-1))}
}

// median is that of v with v[i] taken counts[i] times.
func median(v []float64, counts []int) float64 {
	var drawn []float64
	for i, n := range counts {
		drawn = append(drawn, slices.Repeat(v[i:i+1], n)...)
	}
	slices.Sort(drawn)
	return stats.Percentile(drawn, 0.5)
}
