package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := Create(path, 4)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("cd"), 2)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("ab"), 0)
	require.NoError(t, err)
	require.NoFileExists(t, path, "nothing at the final name before Commit")
	require.NoError(t, f.Commit())
	require.NoError(t, f.Abort(), "Abort after Commit does nothing")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "abcd", string(b))
	requireOnly(t, path)
}

func TestAbortLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	f, err := Create(path, 100)
	require.NoError(t, err)
	require.NoError(t, f.Abort())
	require.Error(t, f.Commit())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(b), "what was there stays")
	requireOnly(t, path)
}

func TestTooLargeForTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	_, err := Create(path, 1<<60)
	require.ErrorIs(t, err, ErrNoSpace)
	require.ErrorContains(t, err, "1152921504606846976 bytes are needed")
	require.NoFileExists(t, path)
}

func requireOnly(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
}
