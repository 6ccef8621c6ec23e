//go:build unix

package inputfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/internal/mmap"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestOpenSpecial would wait for ever, or fill the memory, if one of these were opened and read.
func TestOpenSpecial(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	zero, loop := filepath.Join(dir, "zero"), filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("/dev/zero", zero))
	require.NoError(t, os.Symlink(loop, loop))
	for path, want := range map[string]string{
		pipe: "is a named pipe, not a regular file", zero: "is a device, not a regular file", loop: "too many",
	} {
		_, err := ReadSmall(path, 100)
		require.ErrorIs(t, err, ErrInput)
		require.ErrorContains(t, err, path+": "+want)
	}
	gone := filepath.Join(dir, "gone")
	require.NoError(t, os.Symlink("../blobs/0123", gone))
	_, err := Open(gone)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "bad input: "+gone+": is a link to ../blobs/0123, where there is no file")
	link := filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600))
	require.NoError(t, os.Symlink("file", link))
	b, err := ReadSmall(link, 100)
	require.NoError(t, err, "a link to a file is a file")
	require.Equal(t, "x", string(b))
}

func TestMappedFault(t *testing.T) {
	page := os.Getpagesize()
	path, f := write(t, 4*page)
	b := f.Map()
	require.Len(t, b, 4*page)
	require.NoError(t, os.Truncate(path, int64(page)))
	var sum byte
	read := func(at int) func() error { return func() error { sum += b[at]; return nil } }
	require.NoError(t, mmap.Guard(read(page-1)))
	err := mmap.Guard(read(3 * page))
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, path+": ends at byte")
}
