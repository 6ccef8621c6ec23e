package cache

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// age sets a file's time of modification back, as if it had been written then.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	require.NoError(t, os.Chtimes(path, at, at))
}

func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	file, index := filepath.Join(dir, "a.bin"), filepath.Join(dir, "index.json")
	require.NoError(t, os.WriteFile(file, []byte("weights"), 0o600))
	age(t, file, time.Hour)
	x := OpenSums(index)
	first, err := x.Hash(file)
	require.NoError(t, err)
	require.NoError(t, x.Save())

	// The content changes but nothing that the index looks at: the old sum shows that the file was not read.
	st, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("WEIGHTS"), 0o600))
	require.NoError(t, os.Chtimes(file, st.ModTime(), st.ModTime()))
	x = OpenSums(index)
	again, err := x.Hash(file)
	require.NoError(t, err)
	require.Equal(t, first, again)

	age(t, file, time.Minute)
	third, err := x.Hash(file)
	require.NoError(t, err)
	require.NotEqual(t, first.SHA256, third.SHA256)
}

func TestFreshFilesAreNotRemembered(t *testing.T) {
	dir := t.TempDir()
	file, index := filepath.Join(dir, "a.bin"), filepath.Join(dir, "index.json")
	require.NoError(t, os.WriteFile(file, []byte("weights"), 0o600))
	x := OpenSums(index)
	_, err := x.Hash(file)
	require.NoError(t, err)
	require.NoError(t, x.Save())
	require.NoFileExists(t, index)
}

func TestBrokenIndexIsEmpty(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, "index.json")
	for _, content := range []string{"", "null", "[]", "{", `{"x": 3}`} {
		require.NoError(t, os.WriteFile(index, []byte(content), 0o600))
		_, err := OpenSums(index).Hash(filepath.Join(dir, "missing"))
		require.ErrorIs(t, err, os.ErrNotExist, content)
	}
	var none *Sums
	_, err := none.Hash(index)
	require.NoError(t, err)
	require.NoError(t, none.Save())
}
