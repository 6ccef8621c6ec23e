package text

import (
	"testing"

	"github.com/carat-llm/carat/eval/text/texttest"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// twoTexts is a corpus of two slices of unequal length.
func twoTexts(t *testing.T) *Corpus {
	t.Helper()
	c, err := NewCorpus([]Text{NewText("long", "long.txt", texttest.Prose(200, 1)), NewText("short", "short.txt", texttest.Prose(40, 2))}, texttest.Letters{AddsBOS: true}, Options{Context: 16})
	require.NoError(t, err)
	return c
}

func TestSlicesComeInTurn(t *testing.T) {
	c := twoTexts(t)
	require.Equal(t, []int{12, 2}, c.Chunks)
	var order []int
	for _, w := range c.Windows {
		order = append(order, w.Slice)
	}
	require.Equal(t, []int{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, order)
	require.Equal(t, 14*7, c.ScoredTokens(99))
}

func TestChunksFor(t *testing.T) {
	c := twoTexts(t) // 14 chunks of 7 scored tokens
	for tokens, want := range map[int]int{0: 14, 1: 1, 7: 1, 8: 2, 97: 14, 98: 14, 1000: 14} {
		require.Equal(t, want, c.ChunksFor(tokens), tokens)
	}
}

// A limit takes the first windows of each text.
func TestLimitsTakeTheFirst(t *testing.T) {
	texts := []Text{NewText("x", "x", texttest.Prose(200, 1)), NewText("y", "y", texttest.Prose(200, 2))}
	all, err := NewCorpus(texts, texttest.Letters{AddsBOS: true}, Options{Context: 16, Stride: 3})
	require.NoError(t, err)
	few, err := NewCorpus(texts, texttest.Letters{AddsBOS: true}, Options{Context: 16, Stride: 3, Chunks: 5})
	require.NoError(t, err)
	require.Equal(t, all.Windows[:5], few.Windows)
	texts[1].Limit = 7
	limited, err := NewCorpus(texts, texttest.Letters{AddsBOS: true}, Options{Context: 16, Stride: 3})
	require.NoError(t, err)
	require.Equal(t, 2, limited.Chunks[1], "two windows of three scored tokens")
	require.Equal(t, all.Chunks[0], limited.Chunks[0])
}

func TestOtherTokenizersAreRefused(t *testing.T) {
	c := twoTexts(t)
	require.NoError(t, c.SameTokens("m.gguf", texttest.Letters{AddsBOS: true}))
	err := c.SameTokens("m.gguf", texttest.Letters{AddsBOS: false})
	require.ErrorIs(t, err, ErrTokenizers)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "m.gguf")
}
