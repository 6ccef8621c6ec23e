package imatrix

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// dat is a .dat file of one entry "a" with values 2, 4 of 2 calls, made of text "d" in 3 chunks.
var dat = []byte("\x01\x00\x00\x00" + "\x01\x00\x00\x00a" + "\x02\x00\x00\x00" + "\x02\x00\x00\x00" + "\x00\x00\x00\x40\x00\x00\x80\x40" + "\x03\x00\x00\x00" + "\x01\x00\x00\x00d")

func TestDat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, dat, 0o600))
	m, err := Read(path)
	require.NoError(t, err)
	w, err := m.Weights("a", 2)
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2}, w)
	require.Equal(t, 3, m.Chunks)
	require.Equal(t, []string{"d"}, m.Datasets)
	_, err = m.Weights("a", 3)
	require.ErrorIs(t, err, gguf.ErrInput)
	w, err = m.Weights("b", 3)
	require.NoError(t, err)
	require.Nil(t, w)
	for n := range len(dat) - 9 { // the last 9 bytes are what old files lack
		_, err := parseDat(dat[:n])
		require.ErrorIs(t, err, gguf.ErrInput, "cut at %d", n)
	}
}

func TestNotFiniteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	b := append([]byte(nil), dat...)
	copy(b[17:], "\x00\x00\xc0\x7f")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	_, err := Read(path)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "column 0")
}

// TestGoldenFormats: the same matrix in both formats.
func TestGoldenFormats(t *testing.T) {
	dir := os.Getenv("CARAT_GOLDEN")
	if dir == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	a, err := Read(filepath.Join(dir, "golden", "smollm2", "imatrix.gguf"))
	require.NoError(t, err)
	b, err := Read(filepath.Join(dir, "golden", "smollm2", "imatrix.dat"))
	require.NoError(t, err)
	require.Equal(t, a.Len(), b.Len())
	require.Equal(t, a.Datasets, b.Datasets)
	require.Equal(t, a.Chunks, b.Chunks)
	matched := 0
	for _, name := range a.Names() {
		x, y := a.entries[name].weights, b.entries[name].weights
		require.InEpsilonSlice(t, x, y, 1e-5, name)
		matched++
	}
	t.Logf("matched %d of %d", matched, a.Len())
}

func FuzzDat(f *testing.F) {
	f.Add(dat)
	f.Add(dat[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := parseDat(b); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
	})
}
