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

func TestFolderIsNotReplaced(t *testing.T) {
	_, err := Create(t.TempDir(), 1)
	require.Error(t, err)
}

func TestCommitAllOrNone(t *testing.T) {
	dir := t.TempDir()
	begin := func() (files []*File) {
		for _, name := range []string{"a", "b", "c"} {
			f, err := Create(filepath.Join(dir, name), 1)
			require.NoError(t, err)
			files = append(files, f)
		}
		return files
	}
	files := begin()
	// A folder comes into the way of the second.
	require.NoError(t, os.Mkdir(filepath.Join(dir, "b"), 0o700))
	require.Error(t, CommitAll(files))
	requireOnly(t, filepath.Join(dir, "b"))
	for _, f := range files {
		require.NoError(t, f.Abort(), "Abort after a failed CommitAll does nothing")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "b")))
	require.NoError(t, CommitAll(begin()))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3)
}

func requireOnly(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
}

func TestRename(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	require.NoError(t, WriteFile(from, []byte("new")))
	require.NoError(t, WriteFile(to, []byte("old")))
	require.NoError(t, Rename(from, to))
	b, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Equal(t, "new", string(b))
	requireOnly(t, to)
	require.Error(t, Rename(from, to))
	require.FileExists(t, to)
}
