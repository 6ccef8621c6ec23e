package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// named has files made with temporary names, as on other systems.
func named(t *testing.T) {
	useNameless = false
	t.Cleanup(func() { useNameless = true })
}

// eachKind runs f with and without temporary names.
func eachKind(t *testing.T, f func(t *testing.T)) {
	t.Run("nameless", f)
	t.Run("named", func(t *testing.T) {
		named(t)
		f(t)
	})
}

// TestNoNameBeforeCommit: whatever ends the process, nothing is left.
func TestNoNameBeforeCommit(t *testing.T) {
	dir := t.TempDir()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if err != nil {
		t.Skip("this file system has no files without names")
	}
	require.NoError(t, unix.Close(fd))
	path := filepath.Join(dir, "out")
	a, err := Create(path, 1<<20)
	require.NoError(t, err)
	require.Empty(t, state(t, dir))
	require.NoError(t, a.Commit())
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, 0o666&^umask(), st.Mode().Perm())
	require.EqualValues(t, 1<<20, st.Size())
}
