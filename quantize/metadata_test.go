package quantize

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

func TestMetadataOrder(t *testing.T) {
	m := sample()
	m.md.Set("split.count", uint16(2))
	m.md.Set("quantize.imatrix.file", "of before")
	m.md.Set("general.name", "last")
	long := strings.Repeat("x", 200)
	o := Options{
		FileType: recipe.Q8_0, ImatrixName: long,
		Imatrix:    weights(t, map[string][]float32{"blk.0.attn_v.weight": ones(512)}, 1),
		OverrideKV: []gguf.KV{{Key: "llama.block_count", Value: uint32(3)}, {Key: "new", Value: true}},
	}
	p, err := NewPlan(m, o)
	require.NoError(t, err)
	require.Equal(t, []gguf.KV{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.attention.head_count", Value: uint32(4)},
		{Key: "llama.attention.head_count_kv", Value: uint32(2)},
		{Key: "general.name", Value: "last"},
		{Key: "general.quantization_version", Value: uint32(2)},
		{Key: "general.file_type", Value: uint32(7)},
		{Key: "llama.block_count", Value: uint32(3)},
		{Key: "new", Value: true},
		{Key: "quantize.imatrix.file", Value: long[:127]},
		{Key: "quantize.imatrix.dataset", Value: "first"},
		{Key: "quantize.imatrix.entries_count", Value: uint32(1)},
		{Key: "quantize.imatrix.chunks_count", Value: uint32(3)},
	}, p.Metadata.All())
	v, _ := m.md.Int("llama.block_count")
	require.EqualValues(t, 2, v, "the source's is as it was")
}

func TestCopyKeepsTheFileType(t *testing.T) {
	m := sample()
	m.md.Set("general.file_type", uint32(32))
	p, err := NewPlan(m, Options{FileType: recipe.Copy})
	require.NoError(t, err)
	v, _ := p.Metadata.Int("general.file_type")
	require.EqualValues(t, 32, v)
	m.md.Delete("general.file_type")
	p, err = NewPlan(m, Options{FileType: recipe.Copy})
	require.NoError(t, err)
	_, ok := p.Metadata.Get("general.file_type")
	require.False(t, ok, "none is made up")
}

func TestWriteIsVerbatim(t *testing.T) {
	m := sample()
	path := filepath.Join(t.TempDir(), "out.gguf")
	var read, total atomic.Int64 // workers call at the same time
	require.NoError(t, Write(context.Background(), m, path, 0, func(done, of int64) {
		for old := read.Load(); done > old && !read.CompareAndSwap(old, done); old = read.Load() {
		}
		total.Store(of)
	}))
	require.Equal(t, total.Load(), read.Load())
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, m.md.All(), f.Metadata().All())
	for i, x := range f.Tensors() {
		require.Equal(t, m.ts[i].Info(), x.Info())
		want := make([]byte, x.Info().Bytes())
		require.NoError(t, m.ts[i].ReadRows(want, 0, x.Info().Rows()))
		require.Equal(t, want, x.(gguf.Mapped).Bytes())
	}
}

func TestSummary(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M})
	require.NoError(t, err)
	s, err := p.Summary()
	require.NoError(t, err)
	require.Equal(t, 2, s.Fallbacks)
	require.Equal(t, gguf.Q6_K, s.Types[0].Type, "the most bytes first")
	n, bytes := 0, int64(0)
	for _, c := range s.Types {
		n, bytes = n+c.Tensors, bytes+c.Bytes
	}
	require.Equal(t, len(p.Tensors), n)
	require.Equal(t, s.Bytes, bytes)
	require.InDelta(t, 8*float64(s.Bytes)/float64(s.Elements), s.BitsPerWeight, 1e-12)
	require.Greater(t, s.FileBytes, s.Bytes)
}
