package model

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestEvaluateEach: sequences together give the activations of each alone, in every architecture, also in those that must take them
// one after the other.
func TestEvaluateEach(t *testing.T) {
	sequences := [][]int32{testIDs(7), testIDs(1), testIDs(20)[3:], testIDs(4)}
	separable := 0
	for _, name := range append(slices.Sorted(maps.Keys(families)), slices.Sorted(maps.Keys(encoders))...) {
		t.Run(name, func(t *testing.T) {
			f := invented(t, name)
			m := load(t, f, 2)
			if m.Encodes() {
				return // it makes no vectors of texts
			}
			if m.graph.separable() {
				separable++
			}
			var want []float32
			total := 0
			for _, ids := range sequences {
				want = append(want, hidden(t, m, ids)...)
				total += len(ids)
			}
			s, got := session(t, m, total), make([]float32, total*m.Width())
			require.NoError(t, s.Evaluate(testIDs(3), Outputs{From: 3}))
			for range 2 {
				require.NoError(t, s.EvaluateEach(sequences, got))
				require.Equal(t, want, got)
				require.Zero(t, s.Len())
			}
			require.ErrorIs(t, s.EvaluateEach(append(sequences, testIDs(1)), append(got, got...)), gguf.ErrInput, "it does not fit")
			require.Error(t, s.EvaluateEach(sequences, got[:len(got)-1]))
			require.ErrorIs(t, s.EvaluateEach([][]int32{{0}, {1 << 30}}, got), gguf.ErrInput)
			require.NoError(t, s.Evaluate(sequences[0], Outputs{Hidden: got}))
			require.Equal(t, want[:7*m.Width()], got[:7*m.Width()], "an error leaves an empty session")
		})
	}
	require.Greater(t, separable, 20)
}

// TestProject: dense layers change the width of vectors, and without them vectors stay what they are.
func TestProject(t *testing.T) {
	f := invented(t, "gemma-embedding")
	m, err := Load(f, Options{Activations: true})
	require.NoError(t, err)
	require.Equal(t, 24, m.VectorWidth())
	require.Len(t, m.graph.dense, 2)
	x := make([]float32, 48)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	s := session(t, m, 4)
	both := slices.Clone(s.Project(x, 2))
	require.Len(t, both, 48)
	require.NotEqual(t, x, both)
	require.Equal(t, both[24:], s.Project(x[24:], 1))
	f.md.Set("gemma-embedding.dense_2_feat_in", uint32(23))
	require.ErrorContains(t, CheckActivations(f), "dense_2_feat_in is 23")

	plain, err := Load(invented(t, "bert"), Options{Activations: true})
	require.NoError(t, err)
	require.Equal(t, 24, plain.VectorWidth())
	require.Equal(t, x, session(t, plain, 4).Project(x, 2))
}
