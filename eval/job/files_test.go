package job

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

type values struct {
	name  string
	shape []int64
	data  []float32
}

func write(t *testing.T, path string, split gguf.Split, md *gguf.Metadata, tensors ...values) {
	t.Helper()
	var infos []gguf.TensorInfo
	for _, v := range tensors {
		infos = append(infos, gguf.TensorInfo{Name: v.name, Type: gguf.F32, Shape: v.shape})
	}
	w, err := gguf.CreateSplit(path, md, infos, split)
	require.NoError(t, err)
	for i, v := range tensors {
		b := make([]byte, 4*len(v.data))
		for k, x := range v.data {
			binary.LittleEndian.PutUint32(b[4*k:], math.Float32bits(x))
		}
		require.NoError(t, w.WriteAt(i, b, 0))
	}
	require.NoError(t, w.Commit())
}

func open(t *testing.T, path string) gguf.Model {
	t.Helper()
	m, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func describe() *gguf.Metadata {
	md := &gguf.Metadata{}
	md.Set("general.architecture", "llama")
	md.Set("general.name", "Small")
	return md
}

func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	a, b := values{"blk.0.attn_q.weight", []int64{4, 2}, make([]float32, 8)}, values{"output.weight", []int64{4}, make([]float32, 4)}
	write(t, path, gguf.Split{}, describe(), a, b)
	id, err := Identify(path, open(t, path), gguf.HashFile)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	require.Equal(t, []any{"m.gguf", "llama", "Small", "F32", int64(12), 32.0, int64(len(data)), hex.EncodeToString(sum[:])},
		[]any{id.Name, id.Architecture, id.Title, id.FileType, id.Parameters, id.BitsPerWeight, id.Bytes, id.SHA256})

	// Of several files: the SHA-256 of sha256sum's lines.
	md := describe()
	md.Set("general.file_type", uint32(15))
	write(t, filepath.Join(dir, "s.gguf"), gguf.Split{MaxTensors: 1}, md, a, b)
	first := filepath.Join(dir, "s-00001-of-00002.gguf")
	id, err = Identify(first, open(t, first), gguf.HashFile)
	require.NoError(t, err)
	h := sha256.New()
	var bytes int64
	for _, n := range []string{"s-00001-of-00002.gguf", "s-00002-of-00002.gguf"} {
		f, err := gguf.HashFile(filepath.Join(dir, n))
		require.NoError(t, err)
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, n)
		bytes += f.Bytes
	}
	require.Equal(t, hex.EncodeToString(h.Sum(nil)), id.SHA256)
	require.Equal(t, bytes, id.Bytes)
	require.Equal(t, "Q4_K_M", id.FileType, "as the file says")

	broken := func(string) (gguf.FileHash, error) { return gguf.FileHash{}, os.ErrPermission }
	_, err = Identify(path, open(t, path), broken)
	require.ErrorIs(t, err, os.ErrPermission)

	// Without sums there is none of them together either; the size is known all the same.
	unread, err := Identify(first, open(t, first), func(path string) (gguf.FileHash, error) { return gguf.FileHash{Name: path, Bytes: 7}, nil })
	require.NoError(t, err)
	require.Empty(t, unread.SHA256)
	require.Equal(t, int64(14), unread.Bytes)
}

func TestNamed(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.Equal(t, filepath.Base(dir), Named(".").Name)
	require.Equal(t, "none.gguf", Named("x/none.gguf").Name)
}

func TestTensors(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("ref.gguf"), gguf.Split{}, describe(),
		values{"blk.12.attn_q.weight", []int64{2, 2}, []float32{3, 0, 0, 4}},
		values{"output.weight", []int64{2}, []float32{1, 1}},
		values{"blk.x.bias", []int64{2}, []float32{1, 1}})
	write(t, at("m.gguf"), gguf.Split{}, describe(),
		values{"blk.12.attn_q.weight", []int64{2, 2}, []float32{0, 0, 0, 4}},
		values{"output.weight", []int64{2, 2}, []float32{1, 1, 1, 1}},
		values{"blk.x.bias", []int64{2}, []float32{1, 1}},
		values{"more.weight", []int64{2}, []float32{1, 1}})
	var done, total int64
	got, err := Tensors(context.Background(), open(t, at("m.gguf")), open(t, at("ref.gguf")), 1, func(d, all int64) { done, total = max(done, d), all })
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Equal(t, 12, got[0].Layer)
	require.Equal(t, "attn_q", got[0].Role)
	require.InDelta(t, 0.6, *got[0].Error, 1e-6, "3 of 5")
	require.Nil(t, got[1].Error, "another shape")
	require.Equal(t, -1, got[1].Layer)
	require.Equal(t, "output", got[1].Role)
	require.Equal(t, "blk.x.bias", got[2].Role)
	require.Zero(t, *got[2].Error)
	require.Nil(t, got[3].Error, "only here")
	require.Equal(t, int64(16+8), done)
	require.Equal(t, int64(16+16+8+8), total)

	got, err = Tensors(context.Background(), open(t, at("m.gguf")), nil, 2, nil)
	require.NoError(t, err)
	require.Nil(t, got[0].Error)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Tensors(ctx, open(t, at("m.gguf")), open(t, at("ref.gguf")), 2, nil)
	require.ErrorIs(t, err, context.Canceled)
}
