package convert

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
)

// TestShaped: experts that are stored input x output, and by transformers 5 output x input, are told by their shapes.
func TestShaped(t *testing.T) {
	specs := []arch.Tensor{
		{Name: "gate", Shape: []int64{2, 6, 8}, Transform: arch.Transform{Transpose: true}},
		{Name: "up", Shape: []int64{2, 6, 8}, Transform: arch.Transform{Transpose: true}},
		{Name: "gate", Shape: []int64{2, 8, 6}},
		{Name: "up", Shape: []int64{2, 8, 6}},
	}
	of := func(shape ...int64) []arch.Tensor {
		return shaped(&prequant.Tensor{Tensor: &safetensors.Tensor{Shape: shape}}, specs)
	}
	require.Equal(t, specs[:2], of(2, 6, 8))
	require.Equal(t, specs[2:], of(2, 8, 6))
	require.Equal(t, specs, of(2, 8, 8), "all, for the error")
	specs = append(specs[:2:2], specs[0])
	require.Equal(t, specs[:2], of(2, 6, 8), "each once")
}
