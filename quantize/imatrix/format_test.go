package imatrix

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// sample has a dense tensor, a stacked one whose second expert saw nothing, and a tensor without any data.
func sample() *Matrix {
	return &Matrix{Datasets: []string{"a.txt", "b.txt"}, Chunks: 3, ChunkSize: 512, entries: map[string]entry{
		"blk.0.attn_q.weight":        {[]float64{3, 0, 4.5}, []float64{1536}},
		"blk.0.ffn_down_exps.weight": {[]float64{1, 2, 0, 0}, []float64{700, 0}},
		"blk.1.ffn_down_exps.weight": {[]float64{0, 0, 0, 0}, []float64{0, 0}},
	}}
}

func written(t *testing.T, m *Matrix, f Format) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out")
	require.NoError(t, m.Write(path, f))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, data
}

func TestRoundTrip(t *testing.T) {
	path, data := written(t, sample(), GGUF)
	m, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, sample(), m)
	_, again := written(t, m, GGUF)
	require.Equal(t, data, again)
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var shapes [][]int64
	for _, x := range f.Tensors() {
		shapes = append(shapes, x.Info().Shape)
	}
	require.Equal(t, [][]int64{{3}, {1}, {2, 2}, {1, 2}, {2, 2}, {1, 2}}, shapes, "ggml writes no trailing ones")

	path, data = written(t, m, Dat)
	d, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, []string{"blk.0.attn_q.weight", "blk.0.ffn_down_exps.weight"}, d.Names(), "without data there is no entry")
	require.Equal(t, []string{"b.txt"}, d.Datasets)
	require.Equal(t, []float64{3}, d.entries["blk.0.attn_q.weight"].counts)
	require.Equal(t, []float64{2}, d.entries["blk.0.ffn_down_exps.weight"].counts, "chunks that were begun")
	w, err := d.Weights("blk.0.ffn_down_exps.weight", 4)
	require.NoError(t, err)
	require.Equal(t, []float32{float32(1) / 700, float32(2) / 700, 1, 1}, w)
	_, again = written(t, d, Dat)
	require.Equal(t, data, again)

	// From .dat to GGUF: activations are counted as chunks of 512.
	path, _ = written(t, d, GGUF)
	g, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, 512, g.ChunkSize)
	require.Equal(t, []float64{1536}, g.entries["blk.0.attn_q.weight"].counts)
	for _, name := range g.Names() {
		require.Equal(t, d.entries[name].means(), g.entries[name].means())
	}
}

// TestEveryTruncationIsAnError, but for two that cannot be told from whole files: a .dat file that ends behind its
// entries is one of before 2024, and the padding at the end of a GGUF file holds nothing.
func TestEveryTruncationIsAnError(t *testing.T) {
	for _, format := range []Format{GGUF, Dat} {
		path, data := written(t, sample(), format)
		end, old := len(data), -1
		if format == GGUF {
			f, err := gguf.Open(path)
			require.NoError(t, err)
			last := f.Tensors()[len(f.Tensors())-1]
			_, at := last.(gguf.Placed).Place()
			end = int(at + last.Info().Bytes())
			require.NoError(t, f.Close())
		} else {
			old = len(data) - len("b.txt") - 8
		}
		for n := range end {
			require.NoError(t, os.WriteFile(path, data[:n], 0o600))
			_, err := Read(path)
			if n == old {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, gguf.ErrInput, "%d bytes", n)
			require.ErrorContains(t, err, path)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for reason, m := range map[string]*Matrix{
		"is empty":               {},
		"importance of column 1": {ChunkSize: 1, entries: map[string]entry{"x": {[]float64{1, 1e39}, []float64{1}}}},
		"of column 0":            {ChunkSize: 1, entries: map[string]entry{"x": {[]float64{math.NaN(), 1}, []float64{0}}}},
	} {
		for _, f := range []Format{GGUF, Dat} {
			err := m.Write(path, f)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, reason)
			require.NoFileExists(t, path)
		}
	}
	m := sample().Filter(func(name string) bool { return name[4] == '1' })
	require.ErrorContains(t, m.Write(path, Dat), "no tensor")
	require.NoFileExists(t, path)
}

// TestHashesOfTexts: they stay through files and merging, once each; without them no key is written, as llama-imatrix
// writes none; .dat files cannot hold them.
func TestHashesOfTexts(t *testing.T) {
	a, b := sample(), sample()
	a.SHA256, b.SHA256 = []string{"x", "y"}, []string{"y", "z"}
	path, _ := written(t, a, GGUF)
	m, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, a, m)
	m, err = Merge([]Named{{"a", a}, {"b", b}, {"none", sample()}}, 512)
	require.NoError(t, err)
	require.Equal(t, []string{"x", "y", "z"}, m.SHA256)
	require.Equal(t, []string{"x", "y"}, a.SHA256)
	path, _ = written(t, m, Dat)
	m, err = Read(path)
	require.NoError(t, err)
	require.Nil(t, m.SHA256)
	_, data := written(t, sample(), GGUF)
	require.NotContains(t, string(data), keySHA256)
}

func TestMerge(t *testing.T) {
	a, b := sample(), sample()
	delete(b.entries, "blk.0.attn_q.weight")
	b.entries["blk.2.attn_q.weight"] = entry{[]float64{7}, []float64{1}}
	m, err := Merge([]Named{{"a", a}, {"b", b}}, 512)
	require.NoError(t, err)
	require.Equal(t, &Matrix{Datasets: []string{"a.txt", "b.txt", "a.txt", "b.txt"}, Chunks: 6, ChunkSize: 512, entries: map[string]entry{
		"blk.0.attn_q.weight":        {[]float64{3, 0, 4.5}, []float64{1536}},
		"blk.0.ffn_down_exps.weight": {[]float64{2, 4, 0, 0}, []float64{1400, 0}},
		"blk.1.ffn_down_exps.weight": {[]float64{0, 0, 0, 0}, []float64{0, 0}},
		"blk.2.attn_q.weight":        {[]float64{7}, []float64{1}},
	}}, m)
	require.Equal(t, sample(), a, "what was merged is as it was")

	// Chunks of another size are counted in the first one's; a .dat file's count is each expert's.
	b.ChunkSize = 256
	b.Chunks = 4
	d := &Matrix{Chunks: 1, entries: map[string]entry{"blk.0.ffn_down_exps.weight": {[]float64{1, 1, 1, 1}, []float64{1}}}}
	m, err = Merge([]Named{{"a", a}, {"b", b}, {"d", d}}, 512)
	require.NoError(t, err)
	require.Equal(t, 3+2+1, m.Chunks)
	require.Equal(t, entry{[]float64{514, 516, 512, 512}, []float64{1912, 512}}, m.entries["blk.0.ffn_down_exps.weight"])

	for reason, counts := range map[string][]float64{
		"b: tensor x: 4 importance values, but another file has 6": {1},
		"3 experts, but another file has 2":                        {1, 1, 1},
	} {
		x := &Matrix{ChunkSize: 512, entries: map[string]entry{"x": {make([]float64, 6), []float64{1, 1}}}}
		y := &Matrix{ChunkSize: 512, entries: map[string]entry{"x": {make([]float64, 3+len(counts)), counts}}}
		_, err = Merge([]Named{{"a", x}, {"b", y}}, 512)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, reason)
	}
	b.Chunks = math.MaxInt32
	b.ChunkSize = 512
	_, err = Merge([]Named{{"a", a}, {"b", b}}, 512)
	require.ErrorContains(t, err, "chunks add up")
}

// TestGoldenRoundTrip: what llama-imatrix wrote is read and written again as it was, and its .dat file is
// also what becomes of its GGUF.
func TestGoldenRoundTrip(t *testing.T) {
	dir := os.Getenv("CARAT_GOLDEN")
	if dir == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	matched, of := 0, 0
	for _, c := range []struct {
		from string
		as   Format
		want string
	}{
		{"imatrix.gguf", GGUF, "imatrix.gguf"},
		{"imatrix-noise1.gguf", GGUF, "imatrix-noise1.gguf"},
		{"imatrix.dat", Dat, "imatrix.dat"},
		{"imatrix.gguf", Dat, "imatrix.dat"},
	} {
		of++
		m, err := Read(filepath.Join(dir, "golden", "smollm2", c.from))
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join(dir, "golden", "smollm2", c.want))
		require.NoError(t, err)
		_, got := written(t, m, c.as)
		require.True(t, string(want) == string(got), "%s as %s", c.from, c.as)
		matched++
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

// FuzzRead: whatever the bytes, Read returns a matrix that can be written or says ErrInput.
func FuzzRead(f *testing.F) {
	f.Add(dat)
	for _, format := range []Format{GGUF, Dat} {
		path := filepath.Join(f.TempDir(), "seed")
		if err := sample().Write(path, format); err != nil {
			f.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "in")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		m, err := Read(path)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		if _, err := m.dat(); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
		m.Coverage()
		Layers(m.Statistics())
	})
}
