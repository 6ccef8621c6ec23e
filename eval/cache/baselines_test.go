package cache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBaselines(t *testing.T) {
	d, err := Open(t.TempDir())
	require.NoError(t, err)
	_, ok := d.Baseline(Latest)
	require.False(t, ok)
	require.NoError(t, d.KeepBaseline([]byte("one"), "v1"))
	require.NoError(t, d.KeepBaseline([]byte("second"), "v2", strings.Repeat("0", 64)))
	for name, want := range map[string]string{"v1": "one", "v2": "second", Latest: "second", strings.Repeat("0", 64): "second"} {
		path, ok := d.Baseline(name)
		require.True(t, ok, name)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(b), name)
	}
	for _, name := range []string{"", "../v1", "a/b", ".hidden", strings.Repeat("x", 129)} {
		require.Error(t, d.KeepBaseline(nil, name), name)
		_, ok := d.Baseline(name)
		require.False(t, ok, name)
	}
	require.NoError(t, d.Put(strings.Repeat("a", 64), []byte("answer")))
	u, err := d.Usage()
	require.NoError(t, err)
	require.Equal(t, Usage{d.path, 1, 6, 4, 3 + 3*6}, u)
	n, err := d.GC(0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, ok = d.Baseline("v1")
	require.True(t, ok, "nothing makes it again")

	var none *Dir
	_, ok = none.Baseline(Latest)
	require.False(t, ok)
}

func TestMissingFolderIsEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	d := At(path)
	u, err := d.Usage()
	require.NoError(t, err)
	require.Equal(t, Usage{Path: path}, u)
	n, err := d.GC(0)
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoDirExists(t, path)
}
