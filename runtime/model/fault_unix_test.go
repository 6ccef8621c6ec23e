//go:build unix

package model

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// TestMappedFileIsCut cuts off a file whose weights are mapped: computing with them would be a fault of the process.
func TestMappedFileIsCut(t *testing.T) {
	for _, tier := range cpu.Available() {
		for _, threads := range []int{1, 3} {
			restore := cpu.Force(tier)
			path := filepath.Join(t.TempDir(), "m.gguf")
			fake := newFake()
			require.NoError(t, gguf.Rewrite(context.Background(), path, fake.Metadata(), fake.Tensors(), gguf.Split{}, nil))
			src, err := gguf.Open(path)
			require.NoError(t, err)
			m := load(t, src, threads)
			s := session(t, m, 8)
			logits := make([]float32, 2*m.Vocab())
			require.NoError(t, s.Forward(testIDs(2), 0, logits))
			st, err := os.Stat(path)
			require.NoError(t, err)
			require.Greater(t, st.Size(), int64(4*os.Getpagesize()), "some pages are behind the first")
			require.NoError(t, os.Truncate(path, 100))
			err = s.Forward(testIDs(2), 0, logits)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, path+": ends at byte 100, had ")
			require.Equal(t, 2, s.Len(), "as before the call")
			_, err = Load(src, Options{})
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, path)
			require.NoError(t, src.Close())
			restore()
		}
	}
}
