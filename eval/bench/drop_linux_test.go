package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/internal/mmap"
	"github.com/stretchr/testify/require"
)

// TestDropCacheSaysWhenPagesStay: pages that are mapped and were touched cannot go, and that is no cold load.
func TestDropCacheSaysWhenPagesStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	b, err := mmap.Map(f, 1<<20, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, mmap.Unmap(b)) }()
	var sum byte
	for i := 0; i < len(b); i += 4096 {
		sum += b[i]
	}
	require.Zero(t, sum)
	err = DropCache(path)
	require.ErrorIs(t, err, ErrNotDropped)
	require.ErrorContains(t, err, "stays in memory")
}

func TestDropCacheRefuses(t *testing.T) {
	require.ErrorIs(t, DropCache(), ErrNotDropped)
	require.ErrorIs(t, DropCache(filepath.Join(t.TempDir(), "none")), os.ErrNotExist)
}
