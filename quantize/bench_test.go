package quantize

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// BenchmarkTypes quantizes the model that CARAT_SMOLLM2 names to four file types, one after the other and from one
// read of it:
//
//	CARAT_SMOLLM2=smollm2-BF16.gguf go test ./quantize -run - -bench Types
func BenchmarkTypes(b *testing.B) {
	path := os.Getenv("CARAT_SMOLLM2")
	if path == "" {
		b.Skip("CARAT_SMOLLM2 is not set")
	}
	src, err := gguf.Open(path)
	require.NoError(b, err)
	defer src.Close()
	for name, types := range map[string][]recipe.FileType{
		"mixed":  {recipe.Q4_K_M, recipe.IQ4_XS, recipe.Q5_K_M, recipe.Q8_0},
		"sizes":  {recipe.Q4_K_S, recipe.Q4_K_M, recipe.Q5_K_S, recipe.Q5_K_M},
		"legacy": {recipe.Q4_0, recipe.Q5_0, recipe.Q8_0, recipe.F16},
	} {
		dir := b.TempDir()
		var plans []*Plan
		var paths []string
		for i, ft := range types {
			p, err := NewPlan(src, Options{FileType: ft, AllowRequantize: true, Threads: 2})
			require.NoError(b, err)
			plans, paths = append(plans, p), append(paths, fmt.Sprintf("%s/%d.gguf", dir, i))
		}
		b.Run(name+"/separate", func(b *testing.B) {
			for b.Loop() {
				for i, p := range plans {
					require.NoError(b, p.Run(context.Background(), paths[i], nil))
				}
			}
		})
		b.Run(name+"/together", func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, RunAll(context.Background(), plans, paths, nil))
			}
		})
	}
}
