package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestTape: logits from any layer on are those of the whole model, and show weights that were replaced behind it.
func TestTape(t *testing.T) {
	chunks := [][]int32{testIDs(9), testIDs(14)[3:]}
	m := load(t, newFake(), 2)
	tape, err := m.Record(chunks)
	require.NoError(t, err)
	for i, ids := range chunks {
		want, got := logits(t, m, ids), make([]float32, len(ids)*m.Vocab())
		for layer := -1; layer <= tape.Layers(); layer++ {
			clear(got)
			require.NoError(t, tape.Logits(layer, i, got))
			require.Equal(t, want, got, layer)
		}
	}
	other := newFake()
	other.negate("blk.1.ffn_down.weight")
	want := logits(t, load(t, other, 2), chunks[1])
	for _, x := range other.tensors {
		if x.Info().Name == "blk.1.ffn_down.weight" {
			require.NoError(t, tape.SetWeights("blk.1.ffn_down.weight", gguf.F32, x.(*fakeTensor).data))
		}
	}
	got := make([]float32, len(chunks[1])*m.Vocab())
	require.NoError(t, tape.Logits(1, 1, got))
	require.Equal(t, want, got)
}
