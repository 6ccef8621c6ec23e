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
