package inputfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

// write makes a file of n bytes and opens it.
func write(t *testing.T, n int) (path string, f *File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "in.bin")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", n)), 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return path, f
}

func TestShortRead(t *testing.T) {
	path, f := write(t, 100)
	b := make([]byte, 50)
	n, err := f.ReadAt(b, 50)
	require.NoError(t, err, "up to the end")
	require.Equal(t, 50, n)
	_, err = f.ReadAt(b, 51)
	require.ErrorIs(t, err, ErrInput)
	require.NotErrorIs(t, err, io.EOF)

	require.NoError(t, os.Truncate(path, 60))
	_, err = f.ReadAt(b, 50)
	require.ErrorIs(t, err, ErrInput)
	require.EqualError(t, err, "bad input: "+path+": ends at byte 60, had 100 bytes when it was opened: it changed while it was read; run again when nothing writes to it")
	_, err = io.ReadAll(f.Reader())
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, path)
}

func TestUnchanged(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shorter":  func(path string) error { return os.Truncate(path, 99) },
		"longer":   func(path string) error { return os.Truncate(path, 101) },
		"modified": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
		"replaced": func(path string) error {
			st, err := os.Stat(path)
			if err == nil {
				err = os.WriteFile(path+".new", make([]byte, 100), 0o600)
			}
			if err == nil {
				err = os.Chtimes(path+".new", time.Time{}, st.ModTime())
			}
			if err == nil {
				err = os.Rename(path+".new", path)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, f := write(t, 100)
			require.NoError(t, f.Unchanged())
			if err := change(path); err != nil {
				t.Skip(err) // some systems do not replace open files
			}
			err := f.Unchanged()
			require.ErrorIs(t, err, ErrInput)
			require.ErrorContains(t, err, path)
		})
	}
	path, f := write(t, 100)
	if err := os.Remove(path); err == nil {
		require.NoError(t, f.Unchanged(), "what was opened is as it was")
	}
}

func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, path := range []string{"missing", "missing/x", "file/x"} {
		_, err := Open(filepath.Join(dir, path))
		require.ErrorIs(t, err, ErrInput, path)
		require.ErrorIs(t, err, fs.ErrNotExist, path)
		require.EqualError(t, err, "bad input: "+filepath.Join(dir, path)+": no such file")
	}
	_, err := Open(filepath.Join(dir, strings.Repeat("x", 5000)))
	require.ErrorIs(t, err, ErrInput)
	_, err = Open(dir)
	require.ErrorIs(t, err, ErrInput)
	require.EqualError(t, err, "bad input: "+dir+": is a folder, not a regular file")
}

func TestReadSmall(t *testing.T) {
	path, _ := write(t, 100)
	b, err := ReadSmall(path, 100)
	require.NoError(t, err)
	require.Len(t, b, 100)
	_, err = ReadSmall(path, 99)
	require.ErrorIs(t, err, ErrInput)
	require.EqualError(t, err, "bad input: "+path+": has 100 bytes, but such a file can have at most 99")
	path, _ = write(t, 0)
	b, err = ReadSmall(path, 0)
	require.NoError(t, err)
	require.Empty(t, b)
}

func TestReadText(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"grün\n":                        "",
		BOM + "a":                       "",
		"\ufffd is what it is":          "",
		"a\xff":                         "byte 0xff at offset 1 is not UTF-8; convert it, for example with iconv -f latin1 -t utf-8",
		"gr\xfcn":                       "byte 0xfc at offset 2 is not UTF-8; convert it, for example with iconv -f latin1 -t utf-8",
		"ü\xe2\x82":                     "byte 0xe2 at offset 2 is not UTF-8; convert it, for example with iconv -f latin1 -t utf-8", // cut off
		"\xed\xa0\x80":                  "byte 0xed at offset 0 is not UTF-8; convert it, for example with iconv -f latin1 -t utf-8", // half of a surrogate pair
		"\xff\xfea\x00":                 "byte 0xff at offset 0 is not UTF-8; it looks like UTF-16: convert it, for example with iconv -f utf-16 -t utf-8",
		strings.Repeat("ü", 9) + "\x80": "byte 0x80 at offset 18 is not UTF-8; convert it, for example with iconv -f latin1 -t utf-8",
	} {
		path := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		b, err := ReadText(path, 1000)
		if want == "" {
			require.NoError(t, err, text)
			require.Equal(t, text, string(b))
			continue
		}
		require.ErrorIs(t, err, ErrInput)
		require.EqualError(t, err, "bad input: "+path+": "+want)
	}
}

func TestPointer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	require.NoError(t, os.WriteFile(path, []byte(pointerHead+"v1\noid sha256:00\nsize 12\n"), 0o600))
	_, err := Open(path)
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "model.gguf: is a Git LFS pointer")
	require.Contains(t, hint.Of(err), "git lfs pull")
}
