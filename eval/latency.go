package eval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/carat-llm/carat/gguf"
)

// LatencyOptions say what to time. A test with 0 tokens is left out.
type LatencyOptions struct {
	Prompt      int // tokens of prefill in one batch
	Generate    int // tokens decoded one at a time
	Depth       int // tokens already in the KV cache before either
	Repetitions int // 0 means 5
	// WeightBytes are read once for every decoded token, to report as a rate.
	WeightBytes int64
	// Progress, if not nil, is called after each repetition.
	Progress func(done, total int)
}

// Latency is one test's result.
type Latency struct {
	Test            string `json:"test"` // "pp512" or "tg128", with "@d" for a depth
	Tokens          int    `json:"tokens"`
	TokensPerSecond Spread `json:"tokens_per_second"`
	// BytesPerSecond is the rate at which decoding reads weights; 0 for prefill.
	BytesPerSecond float64 `json:"bytes_per_second"`
	// FirstToken is, for prefill, the time from an empty cache to the first token's logits, in seconds.
	FirstToken Spread `json:"time_to_first_token"`
}

// Spread holds the extremes and the median of repetitions.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// MeasureLatency times prefill and decoding on one session, after a run that is not counted. Tokens are
// pseudo-random, as their values do not matter; tokenizing and sampling are left out.
func MeasureLatency(ctx context.Context, m Candidate, o LatencyOptions) ([]Latency, error) {
	if o.Repetitions == 0 {
		o.Repetitions = 5
	}
	if o.Prompt < 0 || o.Generate < 0 || o.Depth < 0 || o.Repetitions < 1 {
		return nil, fmt.Errorf("%w: token counts and repetitions must not be negative", gguf.ErrInput)
	}
	t := timer{m: m, logits: make([]float32, m.Vocab)}
	tests := 0
	for _, n := range []int{o.Prompt, o.Generate} {
		if n > 0 {
			tests++
		}
	}
	done := func(r int) {
		if o.Progress != nil {
			o.Progress(r, tests*o.Repetitions)
		}
	}
	suffix := ""
	if o.Depth > 0 {
		suffix = fmt.Sprintf("@d%d", o.Depth)
	}
	var out []Latency
	if o.Prompt > 0 {
		seconds, err := t.repeat(ctx, o, func() error { return t.prefill(o.Prompt) }, func(r int) { done(r) })
		if err != nil {
			return nil, err
		}
		out = append(out, Latency{Test: fmt.Sprintf("pp%d%s", o.Prompt, suffix), Tokens: o.Prompt,
			TokensPerSecond: rate(seconds, o.Prompt), FirstToken: spread(seconds)})
	}
	if o.Generate > 0 {
		seconds, err := t.repeat(ctx, o, func() error { return t.decode(ctx, o.Generate) }, func(r int) { done((tests-1)*o.Repetitions + r) })
		if err != nil {
			return nil, err
		}
		tps := rate(seconds, o.Generate)
		out = append(out, Latency{Test: fmt.Sprintf("tg%d%s", o.Generate, suffix), Tokens: o.Generate,
			TokensPerSecond: tps, BytesPerSecond: tps.Median * float64(o.WeightBytes)})
	}
	return out, nil
}

// timer feeds made-up tokens to a session.
type timer struct {
	m      Candidate
	logits []float32
	state  uint32
}

// next is a token of a fixed pseudo-random sequence (a 32-bit linear congruential generator).
func (t *timer) next() int32 {
	t.state = t.state*1664525 + 1013904223
	return int32(uint64(t.state) * uint64(t.m.Vocab) >> 32)
}

func (t *timer) prefill(n int) error {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = t.next()
	}
	return t.m.Session.Forward(ids, n-1, t.logits)
}

func (t *timer) decode(ctx context.Context, n int) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.m.Session.Forward([]int32{t.next()}, 0, t.logits); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs test once to warm up and then Repetitions times, each from a cache filled to Depth.
func (t *timer) repeat(ctx context.Context, o LatencyOptions, test func() error, done func(int)) ([]float64, error) {
	var seconds []float64
	for r := range o.Repetitions + 1 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.m.Session.Reset()
		if o.Depth > 0 {
			if err := t.prefill(o.Depth); err != nil {
				return nil, err
			}
		}
		start := time.Now()
		if err := test(); err != nil {
			return nil, err
		}
		if r > 0 {
			seconds = append(seconds, time.Since(start).Seconds())
			done(r)
		}
	}
	return seconds, nil
}

func rate(seconds []float64, tokens int) Spread {
	v := make([]float64, len(seconds))
	for i, s := range seconds {
		v[i] = float64(tokens) / s
	}
	return spread(v)
}

func spread(v []float64) Spread {
	return Spread{percentile(sorted(v), 0.5), slices.Min(v), slices.Max(v)}
}
