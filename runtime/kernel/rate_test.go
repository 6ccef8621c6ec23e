package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func TestRate(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, typ := range []gguf.Type{gguf.BF16, gguf.Q4_0, gguf.Q5_1, gguf.Q6_K, gguf.IQ4_XS} {
		rate, err := p.Rate(typ, 1<<18, Fast)
		require.NoError(t, err)
		require.Positive(t, rate)
		require.Less(t, rate, 1e13, "no machine reads so fast")
	}
	_, err := p.Rate(gguf.Type(250), 1, Fast)
	require.ErrorIs(t, err, gguf.ErrUnsupported)
}
