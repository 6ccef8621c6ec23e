package quantize_test

import (
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// TestNearestPreset: the largest that is not larger, but for half a per cent; without importances the types that need them are
// passed over.
func TestNearestPreset(t *testing.T) {
	src, err := convert.Open("../testdata/tiny-llama", convert.Options{})
	require.NoError(t, err)
	defer src.Close()
	size := func(ft recipe.FileType) int64 {
		p, err := quantize.NewPlan(src, quantize.Options{FileType: ft})
		require.NoError(t, err)
		s, err := p.Summary()
		require.NoError(t, err)
		return s.FileBytes
	}
	at := size(recipe.Q4_K_M)
	for bytes, want := range map[int64]recipe.FileType{
		at: recipe.Q4_K_M, at - at/400: recipe.Q4_K_M, at + at/100: recipe.Q4_K_M, size(recipe.Q5_K_M): recipe.Q5_K_M, 1 << 40: recipe.Q8_0,
	} {
		ft, plan, err := quantize.NearestPreset(src, quantize.Options{}, bytes)
		require.NoError(t, err)
		require.Equal(t, want, ft, "%d", bytes)
		s, err := plan.Summary()
		require.NoError(t, err)
		require.Equal(t, size(want), s.FileBytes)
	}
	ft, _, err := quantize.NearestPreset(src, quantize.Options{}, at-at/100)
	require.NoError(t, err)
	require.NotEqual(t, recipe.Q4_K_M, ft)
	_, _, err = quantize.NearestPreset(src, quantize.Options{}, 1000)
	require.ErrorIs(t, err, quantize.ErrNoPreset)
	require.ErrorContains(t, err, "every preset is larger than 1.00 kB")
}
