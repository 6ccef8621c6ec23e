package quantize

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestTakeRefuses: what is given must be what the plan wants.
func TestTakeRefuses(t *testing.T) {
	p := &Plan{Tensors: []Target{{TensorInfo: gguf.TensorInfo{Name: "a.weight", Type: gguf.Q4_0, Shape: []int64{64, 2}}}}}
	for _, given := range []gguf.TensorInfo{
		{Name: "b.weight", Type: gguf.Q4_0, Shape: []int64{64, 2}},
		{Name: "a.weight", Type: gguf.Q5_0, Shape: []int64{64, 2}},
		{Name: "a.weight", Type: gguf.Q4_0, Shape: []int64{32, 4}},
	} {
		require.ErrorIs(t, p.Take([]gguf.Tensor{encodedTensor{given}}), ErrOptions)
	}
	require.NoError(t, p.Take([]gguf.Tensor{encodedTensor{gguf.TensorInfo{Name: "a.weight", Type: gguf.Q4_0, Shape: []int64{64, 2, 1}}}}))
}

type encodedTensor struct{ gguf.TensorInfo }

func (g encodedTensor) Info() gguf.TensorInfo               { return g.TensorInfo }
func (g encodedTensor) ReadRows([]byte, int64, int64) error { return nil }
