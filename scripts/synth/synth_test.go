package main

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	graph "github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
)

// Figures of docs/benchmarks.md are comparable only while these hold.
func TestBytes(t *testing.T) {
	for _, c := range []struct {
		ft      recipe.FileType
		threads int
		sum     string
	}{
		{recipe.F16, 1, "1fc39d9114a98f1ff46033e038bcbaea6ed258055b03c0987bd714bc7616b59a"},
		{recipe.F16, 3, "1fc39d9114a98f1ff46033e038bcbaea6ed258055b03c0987bd714bc7616b59a"},
		{recipe.Q4_K_M, 2, "0e6aba21ba49fc26eb23353a6341633188e1a9320a10b9ed738b00344b92c887"},
	} {
		path := filepath.Join(t.TempDir(), "tiny.gguf")
		require.NoError(t, write(context.Background(), newModel("tiny", shapes["tiny"]), c.ft, path, c.threads))
		h, err := gguf.HashFile(path)
		require.NoError(t, err)
		require.Equal(t, c.sum, h.SHA256, c.ft.String())
	}
}

func TestShapes(t *testing.T) {
	for name, want := range map[string]int64{"135m": 134515008, "1b": 1104218112, "7b": 7241732096} {
		m := newModel(name, shapes[name])
		var n int64
		for _, w := range m.Tensors() {
			n += w.Info().Elements()
		}
		require.Equal(t, want, n, name)
		require.NoError(t, graph.Check(m), name)
	}
}

// Every text has tokens, and pieces merge to the longest ones.
func TestVocab(t *testing.T) {
	md := newModel("1b", shapes["1b"]).Metadata()
	require.NoError(t, gguf.CheckTokenizer(md))
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	for text, tokens := range map[string][]string{
		"the cat": {"▁t", "he", "▁cat"},
		"Zürich":  {"▁", "<0x5A>", "<0xC3>", "<0xBC>", "ri", "ch"},
	} {
		ids, err := tok.Encode(text, false, false)
		require.NoError(t, err)
		var pieces []string
		for _, id := range ids {
			pieces = append(pieces, md.Strings("tokenizer.ggml.tokens")[id])
		}
		require.Equal(t, tokens, pieces)
		require.Equal(t, text, tok.Decode(ids))
	}
}

func TestDraw(t *testing.T) {
	row := make([]float32, 1<<16)
	draw(row, rand.NewPCG(1, 2), 0.5)
	var sum, squares, largest float64
	for _, v := range row {
		sum, squares, largest = sum+float64(v), squares+float64(v)*float64(v), max(largest, math.Abs(float64(v)))
	}
	n := float64(len(row))
	require.InDelta(t, 0, sum/n, 0.006) // three standard errors
	require.InDelta(t, 0.25, squares/n, 0.005)
	require.Greater(t, largest, 3.5*0.5) // tails
}
