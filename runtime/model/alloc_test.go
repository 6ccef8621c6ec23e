package model

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/kernel"
)

// TestTokenAllocatesNothing: what a token needs is kept by the session, the pool and the model, whatever the architecture.
func TestTokenAllocatesNothing(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/checkpoints/*/config.json")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, f := range folders {
		for _, outType := range []string{"f32", "bf16", "q8_0"} {
			for _, compute := range []kernel.Compute{kernel.Exact, kernel.Fast} {
				t.Run(fmt.Sprint(filepath.Base(filepath.Dir(f)), " ", outType, " ", compute), func(t *testing.T) {
					src, err := convert.Open(filepath.Dir(f), convert.Options{OutType: outType})
					require.NoError(t, err)
					defer src.Close()
					m, err := Load(src, Options{Pool: pool, Compute: compute})
					require.NoError(t, err)
					s := session(t, m, 40)
					ids, logits := []int32{1, 2, 3, 4, 5, 6, 7, 8}, make([]float32, m.Vocab())
					require.NoError(t, s.Forward(ids, 7, logits))
					require.Zero(t, testing.AllocsPerRun(20, func() { require.NoError(t, s.Forward(ids[:1], 0, logits)) }))
				})
			}
		}
	}
}
