package embed

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMiniLM compares vectors of all-MiniLM-L6-v2 with transformers' hidden states, their mean taken and normalised, which is what
// sentence-transformers does with this model. The first elements of each are in testdata/minilm.json, and all have the length 1.
func TestMiniLM(t *testing.T) {
	dir := os.Getenv("CARAT_MINILM")
	if dir == "" {
		t.Skip("CARAT_MINILM is not set")
	}
	var want struct {
		Texts   []string
		Tokens  []int
		Vectors [][]float32 // the first elements
	}
	b, err := os.ReadFile("testdata/minilm.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &want))
	e := open(t, dir, 2)
	pooling, err := PoolingOf(e.Source().Metadata())
	require.NoError(t, err)
	require.Equal(t, Mean, pooling)
	tokens, vectors := run(t, e, want.Texts, Options{Pooling: pooling, Normalize: true})
	require.Equal(t, want.Tokens, tokens)
	for i, v := range vectors {
		require.InDeltaSlice(t, want.Vectors[i], v[:len(want.Vectors[i])], 1e-4, want.Texts[i])
		length := 0.0
		for _, x := range v {
			length += float64(x) * float64(x)
		}
		require.InDelta(t, 1, math.Sqrt(length), 1e-6)
	}
}
