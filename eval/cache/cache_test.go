package cache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnswersAreFoundByTheirInputs(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "new", "folder"))
	require.NoError(t, err)
	key, err := Key("policy")
	require.NoError(t, err)
	_, ok := d.Get(key)
	require.False(t, ok)
	require.NoError(t, d.Put(key, []byte("answer")))
	got, ok := d.Get(key)
	require.True(t, ok)
	require.Equal(t, "answer", string(got))
}

func TestGCKeepsWhatWasUsedLast(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	require.NoError(t, err)
	old, young := strings.Repeat("0", 64), strings.Repeat("1", 64)
	for _, k := range []string{old, young} {
		require.NoError(t, d.Put(k, []byte("0123456789")))
		age(t, d.file(k), time.Hour)
	}
	_, ok := d.Get(young)
	require.True(t, ok)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sums.json"), make([]byte, 100), 0o600))
	n, err := d.GC(10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoFileExists(t, d.file(old))
	require.FileExists(t, d.file(young))
	require.FileExists(t, filepath.Join(dir, "sums.json"), "sums are not an answer")
}
