package safetensors

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestShardChanges cuts a shard off after it was opened.
func TestShardChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	b := file(`{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}}`, 64)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := Open(dir)
	require.NoError(t, err)
	defer f.Close()
	a := f.Tensors()[0]
	require.NoError(t, a.ReadAt(make([]byte, 16), 48))
	require.NoError(t, f.Unchanged())
	require.NoError(t, os.Truncate(path, int64(len(b)-1)))
	require.NoError(t, a.ReadAt(make([]byte, 16), 0))
	err = a.ReadAt(make([]byte, 16), 48)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "tensor a: bad input: "+path)
	require.ErrorContains(t, f.Unchanged(), path)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
	require.NoError(t, a.ReadAt(make([]byte, 16), 48))
	require.ErrorContains(t, f.Unchanged(), "was modified")
}
