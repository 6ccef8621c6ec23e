package gguf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/internal/inputfile"
)

// writeSplit writes the sample model in files and returns their names.
func writeSplit(t *testing.T, dir string, s Split) []string {
	t.Helper()
	path := filepath.Join(dir, "m.gguf")
	w, err := CreateSplit(path, sampleMetadata(), sampleTensors(), s)
	require.NoError(t, err)
	for i, x := range sampleTensors() {
		require.NoError(t, w.WriteAt(i, fill(i, x.Bytes()), 0))
	}
	entries, err := filepath.Glob(filepath.Join(dir, "m*.gguf"))
	require.NoError(t, err)
	require.Empty(t, entries, "nothing has its name before Commit")
	require.NoError(t, w.Commit())
	paths, err := s.Paths(path, sampleMetadata(), sampleTensors())
	require.NoError(t, err)
	return paths
}

func TestSplitWriter(t *testing.T) {
	// The tensors have 432, 20, 48 and 34 bytes, with padding 448, 32, 64 and 64.
	for name, c := range map[string]struct {
		split  Split
		counts []int
	}{
		"one":                 {Split{}, []int{4}},
		"by number":           {Split{MaxTensors: 3}, []int{3, 1}},
		"by size":             {Split{MaxBytes: 480}, []int{2, 2}},
		"exactly as large":    {Split{MaxBytes: 160}, []int{1, 3}},
		"each is too large":   {Split{MaxBytes: 1}, []int{1, 1, 1, 1}},
		"both limits":         {Split{MaxBytes: 480, MaxTensors: 1}, []int{1, 1, 1, 1}},
		"given":               {Split{Counts: []int{1, 1, 2}}, []int{1, 1, 2}},
		"metadata first":      {Split{Counts: []int{0, 3, 1}}, []int{0, 3, 1}},
		"fits without a need": {Split{MaxBytes: 1e9, MaxTensors: 4}, []int{4}},
	} {
		t.Run(name, func(t *testing.T) {
			counts, err := c.split.cut(sampleMetadata(), sampleTensors())
			require.NoError(t, err)
			require.Equal(t, c.counts, counts)
			paths := writeSplit(t, t.TempDir(), c.split)
			require.Len(t, paths, len(counts))
			f, err := Open(paths[0])
			require.NoError(t, err)
			defer f.Close()
			require.Equal(t, paths, f.Paths())
			require.Equal(t, sampleMetadata().All(), f.Metadata().All())
			for i, x := range f.Tensors() {
				require.Equal(t, sampleTensors()[i].Name, x.Info().Name)
				require.Equal(t, fill(i, x.Info().Bytes()), x.(Mapped).Bytes())
			}
		})
	}
}

func TestSplitKeys(t *testing.T) {
	for _, last := range []bool{false, true} {
		paths := writeSplit(t, t.TempDir(), Split{MaxTensors: 2, CountLast: last})
		f := &File{from: inputfile.Open}
		h, err := f.add(paths[1])
		require.NoError(t, err)
		want := []KV{{"split.no", uint16(1)}, {"split.count", uint16(2)}, {"split.tensors.count", int32(4)}}
		if last {
			want[1], want[2] = want[2], want[1]
		}
		require.Equal(t, want, h.metadata.All())
		require.NoError(t, f.Close())
	}
}

func TestSplitIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	w, err := CreateSplit(path, sampleMetadata(), sampleTensors(), Split{MaxTensors: 1})
	require.NoError(t, err)
	require.NoError(t, w.Abort())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	// The third file cannot be: a folder has its name.
	require.NoError(t, os.Mkdir(SplitPath(filepath.Join(dir, "m"), 3, 4), 0o700))
	_, err = CreateSplit(path, sampleMetadata(), sampleTensors(), Split{MaxTensors: 1})
	require.Error(t, err)
	entries, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "only the folder")
	twice := append(sampleTensors(), sampleTensors()[0])
	_, err = CreateSplit(path, sampleMetadata(), twice, Split{MaxTensors: 1})
	require.ErrorContains(t, err, "appears twice", "also when in another file")
	_, err = CreateSplit(path, sampleMetadata(), sampleTensors(), Split{Counts: []int{1, 1}})
	require.ErrorContains(t, err, "the split have 2 tensors")
}
