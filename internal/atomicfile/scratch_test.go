package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScratch(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		parent, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		require.NoError(t, os.WriteFile(out, []byte("old"), 0o600))
		s, err := NewScratch(parent, "carat-test-")
		require.NoError(t, err)
		var files []*File
		for _, name := range []string{"a", "b"} {
			f, err := Create(s.Path(name), 1)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte(name), 0)
			require.NoError(t, err)
			files = append(files, f)
		}
		require.NoError(t, s.Hold(files...))
		for _, name := range []string{"a", "b"} {
			b, err := os.ReadFile(s.Path(name))
			require.NoError(t, err)
			require.Equal(t, name, string(b))
		}
		other, err := NewScratch(parent, "carat-test-")
		require.NoError(t, err)
		require.FileExists(t, s.Path("a"), "one that is alive stays")
		require.NoError(t, other.Close())

		var b Batch
		require.NoError(t, s.Move(s.Path("b"), out, &b))
		require.NoError(t, b.Commit())
		require.NoError(t, s.Close())
		require.Equal(t, map[string]string{"out": "b"}, state(t, filepath.Dir(out)))
		require.Empty(t, state(t, parent))
		require.NoError(t, (*Scratch)(nil).Close())
	})
}

// TestDeadScratch: the folder of a process that is gone is removed, others are not.
func TestDeadScratch(t *testing.T) {
	parent := t.TempDir()
	s, err := NewScratch(parent, "carat-test-")
	require.NoError(t, err)
	require.NoError(t, s.lock.Close()) // as when the process ends
	for _, name := range []string{"carat-test-x", "carat-test-1-x", "carat-other-1-x"} {
		require.NoError(t, os.Mkdir(filepath.Join(parent, name), 0o700))
	}
	next, err := NewScratch(parent, "carat-test-")
	require.NoError(t, err)
	require.NoDirExists(t, s.dir)
	require.NoError(t, next.Close())
	require.Len(t, state(t, parent), 3)
}
