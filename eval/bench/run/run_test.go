package run

import (
	"context"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/stretchr/testify/require"
)

const folder = "../../../testdata/checkpoints/llama"

var options = engine.Options{Threads: 2, Source: func(path string) (gguf.Model, error) { return convert.OpenPath(path, convert.Options{Pre: "gpt-2"}) }}

func open(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Open(folder, options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// TestMeasure: the result says what was measured, with what and over which tests.
func TestMeasure(t *testing.T) {
	var last, all int64
	o := Options{Tests: []bench.Spec{{Prompt: 4}, {Generate: 3}}, Repetitions: 2, Noise: true, Compared: bench.Spec{Generate: 1}, Rounds: bench.MinRounds,
		Progress: func(done, total int64) { last, all = done, total }}
	r, err := Measure(context.Background(), open(t), o)
	require.NoError(t, err)
	require.Equal(t, "pp4", r.Tests[0].Name)
	require.Equal(t, "tg3", r.Tests[1].Name)
	require.Equal(t, 2, r.Threads)
	require.NotEmpty(t, r.CPU)
	require.NotEmpty(t, r.Computation())
	require.Positive(t, r.WeightBytes)
	require.Equal(t, bench.MinRounds, r.Noise.Rounds)
	require.Zero(t, r.ReadBandwidth, "nothing asked for it")
	require.Positive(t, all)
	require.Equal(t, all, last)
	require.Zero(t, last%r.WeightBytes, "in bytes of weights")
}

func TestCompare(t *testing.T) {
	e := open(t)
	c, err := Compare(context.Background(), e, e, Options{Compared: bench.Spec{Generate: 1}})
	require.NoError(t, err)
	require.Equal(t, "tg1", c.Test)
	require.Equal(t, 2, c.B.Threads)
}

// TestLoad: a model that does not open is an error, and one that does has a time.
func TestLoad(t *testing.T) {
	l, err := Load(folder, options)
	require.NoError(t, err)
	require.Positive(t, l.Warm)
	_, err = Load(t.TempDir(), options)
	require.Error(t, err)
	rate, err := BandwidthBefore(folder, options, Options{Tests: []bench.Spec{{Generate: 1}}})
	require.NoError(t, err)
	require.Zero(t, rate, "nothing asked for it")
}
