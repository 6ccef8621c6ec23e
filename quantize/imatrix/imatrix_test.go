package imatrix

import (
	"encoding/binary"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
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

func TestDatEntryTwice(t *testing.T) {
	entry := string(dat[4:25])
	_, err := parseDat([]byte("\x02\x00\x00\x00" + entry + entry))
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "twice")
}

func TestFilterLeavesTheMatrixAlone(t *testing.T) {
	m, err := parseDat(dat)
	require.NoError(t, err)
	require.Zero(t, m.Filter(func(string) bool { return false }).Len())
	require.Equal(t, []string{"a"}, m.Names())
}

// writeGGUF writes a matrix in the newer format with the tensors given.
func writeGGUF(t *testing.T, typ string, tensors map[string][]float32, experts int64) string {
	t.Helper()
	md := &gguf.Metadata{}
	md.Set("general.type", typ)
	md.Set("imatrix.datasets", []string{"text"})
	md.Set("imatrix.chunk_count", uint32(5))
	md.Set("imatrix.chunk_size", uint32(512))
	var infos []gguf.TensorInfo
	names := slices.Sorted(maps.Keys(tensors))
	for _, n := range names {
		infos = append(infos, gguf.TensorInfo{Name: n, Type: gguf.F32, Shape: []int64{int64(len(tensors[n])) / experts, experts}})
	}
	path := filepath.Join(t.TempDir(), "m")
	w, err := gguf.Create(path, md, infos)
	require.NoError(t, err)
	for i, n := range names {
		var b []byte
		for _, v := range tensors[n] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		require.NoError(t, w.WriteAt(i, b, 0))
	}
	require.NoError(t, w.Commit())
	return path
}

func TestGGUF(t *testing.T) {
	m, err := Read(writeGGUF(t, "imatrix", map[string][]float32{"a.in_sum2": {2, 4, 0, 0}, "a.counts": {2, 0}}, 2))
	require.NoError(t, err)
	w, err := m.Weights("a", 4)
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 1, 1}, w, "an expert that saw nothing weighs all columns alike")
	require.Equal(t, []int{5, 512}, []int{m.Chunks, m.ChunkSize})

	nan := float32(math.NaN())
	for reason, c := range map[string]struct {
		typ     string
		tensors map[string][]float32
	}{
		"general.type":          {"model", map[string][]float32{"a.in_sum2": {2, 4}, "a.counts": {2, 2}}},
		"a.counts is missing":   {"imatrix", map[string][]float32{"a.in_sum2": {2, 4}}},
		"a.in_sum2 is missing":  {"imatrix", map[string][]float32{"a.counts": {2, 4}}},
		"is empty":              {"imatrix", map[string][]float32{"a.other": {2, 4}}},
		"the count of expert 1": {"imatrix", map[string][]float32{"a.in_sum2": {2, 4}, "a.counts": {2, -1}}},
		"the count of expert 0 must be finite and not negative (got N": {"imatrix", map[string][]float32{"a.in_sum2": {2, 4}, "a.counts": {nan, 1}}},
		"importance of column 0": {"imatrix", map[string][]float32{"a.in_sum2": {2, nan}, "a.counts": {2, 2}}},
	} {
		_, err := Read(writeGGUF(t, c.typ, c.tensors, 2))
		require.ErrorIs(t, err, gguf.ErrInput, reason)
		require.ErrorContains(t, err, reason)
	}
	_, err = Read(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, gguf.ErrInput)
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
		x, y := a.entries[name].means(), b.entries[name].means()
		require.InEpsilonSlice(t, x, y, 1e-5, name)
		matched++
	}
	t.Logf("matched %d of %d", matched, a.Len())
	require.NotZero(t, a.Len())
	require.Equal(t, a.Len(), matched)
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
