//go:build linux || darwin

package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTargets(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.Mkdir(at("folder"), 0o700))
	require.NoError(t, os.WriteFile(at("file"), []byte("old"), 0o600))
	require.NoError(t, unix.Mkfifo(at("pipe"), 0o600))
	for link, to := range map[string]string{"to-folder": "folder", "to-pipe": at("pipe"), "to-null": "/dev/null", "loop": "loop", "astray": "gone/x"} {
		require.NoError(t, os.Symlink(to, at(link)))
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	require.NoError(t, os.Symlink(fmt.Sprintf("/dev/fd/%d", w.Fd()), at("to-fd")))
	for path, want := range map[string]string{
		"":              "names no file",
		at("new") + "/": "names no file",
		at("folder"):    "is a folder",
		at("pipe"):      "is a named pipe",
		"/dev/null":     "is a device",
		at("to-fd"):     "is a named pipe",
		at("gone/x"):    "does not exist; create it first",
		at("file/x"):    "is not a folder",
		at("to-folder"): "is a folder",
		at("to-pipe"):   "is a named pipe",
		at("to-null"):   "is a device",
		at("loop"):      "too many symbolic links",
		at("astray"):    "does not exist; create it first",
	} {
		for what, err := range map[string]error{"Check": Check(path), "WriteFile": WriteFile(path, nil)} {
			require.ErrorIs(t, err, ErrTarget, "%s %s", what, path)
			require.ErrorContains(t, err, want, "%s %s", what, path)
			require.NotContains(t, err.Error(), ".carat-")
		}
	}
	require.NoError(t, Check(at("file")))
	require.NoError(t, Check(at("new")))
}

// TestLinksAreFollowed: the file at their end is replaced or made, and they stay.
func TestLinksAreFollowed(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "old"), []byte("old"), 0o600))
		for link, to := range map[string]string{"a": "b", "b": "data/old", "c": "data/new"} {
			require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
		}
		for _, link := range []string{"a", "c"} {
			path := filepath.Join(dir, link)
			require.NoError(t, WriteFile(path, []byte("by "+link)))
			st, err := os.Lstat(path)
			require.NoError(t, err)
			require.NotZero(t, st.Mode()&os.ModeSymlink)
		}
		require.Equal(t, map[string]string{"old": "by a", "new": "by c"}, state(t, filepath.Join(dir, "data")))
	})
}

func TestUnwritableFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	if unix.Access(dir, unix.W_OK) == nil {
		t.Skip("this user may write everywhere")
	}
	require.ErrorIs(t, Check(filepath.Join(dir, "x")), os.ErrPermission)
}

// TestDeadFilesAreRemoved: those whose writer is gone, and no other.
func TestDeadFilesAreRemoved(t *testing.T) {
	named(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	alive, err := Create(path, 3)
	require.NoError(t, err)
	dead, err := Create(path, 3)
	require.NoError(t, err)
	require.Len(t, state(t, dir), 2, "one writer leaves the other's alone")
	require.NoError(t, dead.f.Close()) // as when the process ends
	others := []string{".out.carat-1-x.tmp", ".out.carat-12345678.tmp", ".outer.carat-1-00000000.tmp", "out.tmp"}
	for _, name := range others {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, WriteFile(path, []byte("new")))
	require.NoFileExists(t, dead.temp)
	require.FileExists(t, alive.temp)
	for _, name := range others {
		require.FileExists(t, filepath.Join(dir, name))
	}
	_, err = alive.WriteAt([]byte("old"), 0)
	require.NoError(t, err)
	require.NoError(t, alive.Commit())
	require.Len(t, state(t, dir), 1+len(others))
}

func TestLongNames(t *testing.T) {
	eachKind(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, string(make255()))
		require.NoError(t, WriteFile(path, []byte("1")))
		require.NoError(t, WriteFile(path, []byte("2")))
		require.Len(t, state(t, dir), 1)
	})
}

func make255() []byte {
	b := make([]byte, 255)
	for i := range b {
		b[i] = 'n'
	}
	return b
}

func TestCheckEmpty(t *testing.T) {
	dir := t.TempDir()
	missing, err := CheckEmpty(filepath.Join(dir, "none"))
	require.NoError(t, err)
	require.True(t, missing)
	missing, err = CheckEmpty(dir)
	require.NoError(t, err)
	require.False(t, missing)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), nil, 0o600))
	_, err = CheckEmpty(dir)
	require.ErrorIs(t, err, inputfile.ErrInput)
	require.ErrorContains(t, err, "not empty (it has a)")
	_, err = CheckEmpty(filepath.Join(dir, "a"))
	require.Error(t, err, "a file")
}
