package generate

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// counter is a model of 5 tokens that always prefers the token after the last one.
type counter struct{ seen []int32 }

func (c *counter) Forward(ids []int32, from int, logits []float32) error {
	c.seen = append(c.seen, ids...)
	if from != len(ids)-1 || len(logits) != 5 {
		return errors.New("one row of five is expected")
	}
	clear(logits)
	logits[(ids[len(ids)-1]+1)%5] = 9
	return nil
}

// letters is a tokenizer of a, b, c, d and an end, token 4.
type letters struct{}

func (letters) Piece(id int32) []byte { return []byte{'a' + byte(id)} }
func (letters) IsEOG(id int32) bool   { return id == 4 }

func run(t *testing.T, prompt []int32, opts Options) (string, Reason, *counter) {
	t.Helper()
	text, seq := "", &counter{}
	ids, reason, err := Run(context.Background(), seq, 5, letters{}, prompt, opts, func(piece []byte) error {
		text += string(piece)
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(ids), len(text))
	return text, reason, seq
}

func TestRun(t *testing.T) {
	greedy := Params{TopP: 1}
	text, reason, seq := run(t, []int32{2, 0}, Options{Params: greedy, MaxTokens: 10})
	require.Equal(t, "bcd", text)
	require.Equal(t, EndOfGeneration, reason)
	require.Equal(t, []int32{2, 0, 1, 2, 3}, seq.seen)

	text, reason, _ = run(t, []int32{0}, Options{Params: greedy, MaxTokens: 2})
	require.Equal(t, "bc", text)
	require.Equal(t, Limit, reason)

	text, _, _ = run(t, []int32{3}, Options{Params: greedy, MaxTokens: 4, IgnoreEOG: true})
	require.Equal(t, "eabc", text)
}

func TestRunRejectsAndStops(t *testing.T) {
	opts := Options{Params: Params{TopP: 1}, MaxTokens: 3}
	none := func([]byte) error { return nil }
	_, _, err := Run(context.Background(), &counter{}, 5, letters{}, nil, opts, none)
	require.ErrorContains(t, err, "no tokens")
	_, _, err = Run(context.Background(), &counter{}, 5, letters{}, []int32{1}, Options{Params: opts.Params}, none)
	require.ErrorContains(t, err, "at least 1")

	ctx, cancel := context.WithCancel(context.Background())
	ids, _, err := Run(ctx, &counter{}, 5, letters{}, []int32{0}, opts, func([]byte) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []int32{1}, ids)

	broken := errors.New("pipe")
	_, _, err = Run(context.Background(), &counter{}, 5, letters{}, []int32{0}, opts, func([]byte) error { return broken })
	require.ErrorIs(t, err, broken)
}

func draw(t *testing.T, p Params, logits []float32, n int) map[int32]int {
	t.Helper()
	s, err := NewSampler(p)
	require.NoError(t, err)
	counts := map[int32]int{}
	for range n {
		counts[s.Sample(logits)]++
	}
	return counts
}

func TestSampler(t *testing.T) {
	logits := []float32{1, 3, 2, 3, float32(math.Inf(-1))}
	require.Equal(t, map[int32]int{1: 10}, draw(t, Params{TopP: 1}, logits, 10), "greedy takes the first of equals")
	require.Equal(t, map[int32]int{1: 10}, draw(t, Params{Temperature: 1, TopK: 1, TopP: 1}, logits, 10))
	require.Equal(t, map[int32]int{1: 10}, draw(t, Params{Temperature: 1, TopP: 0.01}, logits, 10))
	require.Len(t, draw(t, Params{Temperature: 1, TopK: 2, TopP: 1}, logits, 200), 2)
	require.Len(t, draw(t, Params{Temperature: 1, TopP: 0.7}, logits, 200), 2)

	counts := draw(t, Params{Temperature: 1, TopP: 1, Seed: 7}, logits, 4000)
	require.NotContains(t, counts, int32(4))
	total := math.E + 2*math.Exp(3) + math.Exp(2)
	require.InDelta(t, 4000*math.Exp(3)/total, counts[1], 150)
	require.InDelta(t, 4000*math.Exp(2)/total, counts[2], 150)
	require.Equal(t, counts, draw(t, Params{Temperature: 1, TopP: 1, Seed: 7}, logits, 4000), "the seed repeats the draws")

	hot := draw(t, Params{Temperature: 100, TopP: 1}, logits, 4000)
	require.InDelta(t, 1000, hot[0], 150)
}

func TestSamplerRejects(t *testing.T) {
	for _, p := range []Params{{Temperature: -1, TopP: 1}, {Temperature: math.NaN(), TopP: 1}, {TopK: -1, TopP: 1}, {TopP: 0}, {TopP: 1.1}} {
		_, err := NewSampler(p)
		require.Error(t, err, "%+v", p)
	}
}
