package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/sysmem"
)

// TestSessionsThatCannotFit: a model of very many layers asks for more memory than there is; nothing is allocated.
func TestSessionsThatCannotFit(t *testing.T) {
	m := load(t, newFake(), 1)
	_, err := m.NewSession(1<<24 + 1)
	require.ErrorIs(t, err, gguf.ErrInput)
	if sysmem.Total() == 0 {
		t.Skip("the memory of this system is not known")
	}
	for len(m.graph.layers) < 1<<10 {
		m.graph.layers = append(m.graph.layers, m.graph.layers...)
	}
	_, err = m.NewSession(1 << 24)
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "a session of 16777216 tokens needs")
	_, err = m.NewSession(1)
	require.NoError(t, err)
}

// TestNeed: keys and values of both layers, the ids of the tokens and the tables of angles; and what a batch takes.
func TestNeed(t *testing.T) {
	f := newFake()
	dim := testWidth / 4
	n, err := NeedOf(f, 100, gguf.F16)
	require.NoError(t, err)
	require.EqualValues(t, 100*(2*2*2*(dim+16)+4+4*dim), n.Cache, "values are padded to 16 elements")
	require.EqualValues(t, 4*100*(2*testWidth+max(testVocab, 2*60)), n.Work)
	long, err := NeedOf(f, 1<<20, gguf.F16)
	require.NoError(t, err)
	require.EqualValues(t, 512*n.Work/100, long.Work, "no more than a batch at a time")
	f.md.Set("llama.block_count", uint32(3))
	_, err = NeedOf(f, 100, gguf.F16)
	require.ErrorIs(t, err, gguf.ErrInput, "a layer is missing")
}
