package convert

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestShardChanges: the model asks its shards whether they are what was opened.
func TestShardChanges(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../testdata/tiny-llama")))
	m, err := Open(dir, Options{})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, gguf.Unchanged(m))
	path := filepath.Join(dir, "model.safetensors")
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
	err = gguf.Unchanged(m)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, path)
}
