package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// state is the content of every file in dir.
func state(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			out[e.Name()] = "folder"
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

func TestBatchCommit(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		dir, other := t.TempDir(), t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("old b"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(other, "made"), []byte("new c"), 0o600))
		var b Batch
		require.NoError(t, b.WriteFile(filepath.Join(dir, "a"), []byte("new a")))
		require.NoError(t, b.WriteFile(filepath.Join(dir, "b"), []byte("new b")))
		require.NoError(t, b.Adopt(filepath.Join(other, "made"), filepath.Join(dir, "c")))
		require.NoError(t, b.Commit())
		require.NoError(t, b.Abort(), "does nothing after Commit")
		require.Equal(t, map[string]string{"a": "new a", "b": "new b", "c": "new c"}, state(t, dir))
		require.Empty(t, state(t, other))
	})
}

// TestBatchIsTakenBack has the last file of a batch fail when the others have their names already.
func TestBatchIsTakenBack(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		dir, other := t.TempDir(), t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("old b"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "c"), []byte("old c"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(other, "made"), []byte("new c"), 0o600))
		var b Batch
		for _, name := range []string{"a", "b"} {
			require.NoError(t, b.WriteFile(filepath.Join(dir, name), []byte("new "+name)))
		}
		require.NoError(t, b.Adopt(filepath.Join(other, "made"), filepath.Join(dir, "c")))
		require.NoError(t, b.WriteFile(filepath.Join(dir, "d"), []byte("new d")))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o700)) // comes into the way
		err := b.Commit()
		require.Error(t, err)
		require.NotContains(t, err.Error(), ".carat-", "no temporary name")
		require.Equal(t, map[string]string{"b": "old b", "c": "old c", "d": "folder"}, state(t, dir))
		require.Equal(t, map[string]string{"made": "new c"}, state(t, other))
		require.Error(t, b.Commit())
		require.NoError(t, b.Abort())
	})
}

func TestBatchAbort(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "made"), []byte("m"), 0o600))
		var b Batch
		require.NoError(t, b.WriteFile(filepath.Join(dir, "a"), []byte("a")))
		require.NoError(t, b.Adopt(filepath.Join(dir, "made"), filepath.Join(dir, "c")))
		require.NoError(t, b.Abort())
		require.Equal(t, map[string]string{"made": "m"}, state(t, dir))
	})
}

func TestBatchRefusesOneNameTwice(t *testing.T) {
	dir := t.TempDir()
	var b Batch
	require.NoError(t, b.WriteFile(filepath.Join(dir, "a"), nil))
	require.NoError(t, os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")))
	require.NoError(t, b.WriteFile(filepath.Join(dir, "link"), nil))
	require.ErrorContains(t, b.Commit(), "twice")
	require.NoFileExists(t, filepath.Join(dir, "a"))
}
