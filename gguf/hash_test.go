package gguf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func TestHash(t *testing.T) {
	dir := t.TempDir()
	one := filepath.Join(dir, "one.gguf")
	write(t, one, sampleMetadata(), sampleTensors())
	h := hashFileOf(t, one)
	b, err := os.ReadFile(one)
	require.NoError(t, err)
	require.Equal(t, []FileHash{{"one.gguf", int64(len(b)), sum(b)}}, h.Files)
	for i, x := range h.Tensors {
		require.Equal(t, sum(fill(i, x.Bytes)), x.SHA256)
	}
	split := hashFileOf(t, writeSplit(t, dir, Split{MaxTensors: 3})[0])
	require.Equal(t, h.Tensors, split.Tensors)
	require.Len(t, split.Files, 2)
	require.Equal(t, []string{"2 files, were 1"}, split.Differences(h))
}

func hashFileOf(t *testing.T, path string) *Hashes {
	t.Helper()
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	var last, of int64
	h, err := Hash(context.Background(), f, 1, func(done, total int64) { last, of = done, total })
	require.NoError(t, err)
	require.Equal(t, of, last)
	return h
}

// TestHashWhileWriting: the sums of a writer are those of its files, followed or read back, also when a tensor was never
// written or written twice.
func TestHashWhileWriting(t *testing.T) {
	ts := sampleTensors()
	all := []int{0, 1, 2, 3}
	for name, c := range map[string]struct {
		hash  bool
		order []int
	}{
		"read back": {false, all},
		"followed":  {true, all},
		"shuffled":  {true, []int{2, 0, 3, 1}},
		"a gap":     {true, []int{0, 2, 3}},
		"twice":     {true, append([]int{0}, all...)},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := CreateSplit(filepath.Join(t.TempDir(), "m.gguf"), sampleMetadata(), ts, Split{MaxTensors: 3})
			require.NoError(t, err)
			defer w.Abort()
			if c.hash {
				w.Hash()
			}
			for turn, i := range c.order {
				require.NoError(t, w.WriteAt(i, fill(i+turn, ts[i].Bytes()), 0))
			}
			sums, err := w.HashFiles(t.Context())
			require.NoError(t, err)
			require.NoError(t, w.Commit())
			require.Len(t, sums, 2)
			for i, f := range w.Files() {
				b, err := os.ReadFile(f.Name())
				require.NoError(t, err)
				require.Equal(t, FileHash{filepath.Base(f.Name()), int64(len(b)), sum(b)}, sums[i])
			}
		})
	}
}

func TestHashCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	write(t, path, sampleMetadata(), sampleTensors())
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Hash(ctx, f, 2, nil)
	require.ErrorIs(t, err, context.Canceled)
	out := filepath.Join(t.TempDir(), "out.gguf")
	require.ErrorIs(t, Rewrite(ctx, out, f.Metadata(), f.Tensors(), Split{MaxTensors: 1}, nil), context.Canceled)
	entries, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestHashDifferences(t *testing.T) {
	tensor := func(name, typ, hash string, shape ...int64) TensorHash {
		return TensorHash{Name: name, Type: typ, Shape: shape, SHA256: hash}
	}
	now := &Hashes{Tensors: []TensorHash{tensor("same", "F32", "1", 2), tensor("typ", "F16", "1", 2), tensor("shape", "F32", "1", 2), tensor("data", "F32", "2", 2), tensor("new", "F32", "1", 2)}}
	before := &Hashes{Tensors: []TensorHash{tensor("gone", "F32", "1", 2), tensor("data", "F32", "1", 2), tensor("shape", "F32", "1", 1, 2), tensor("typ", "F32", "1", 2), tensor("same", "F32", "1", 2)}}
	require.Equal(t, []string{
		"tensor typ is F16, was F32", "tensor shape has shape [2], had [1 2]", "tensor data has other data: 2, was 1",
		"tensor new is new", "tensor gone is missing",
	}, now.Differences(before))
	require.Empty(t, now.Differences(now))
}

func FuzzParseHashes(f *testing.F) {
	good, err := json.Marshal(Hashes{Tensors: []TensorHash{{Name: "a", SHA256: sum(nil)}}})
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"tensors":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHashes(b); err == nil {
			h.Differences(h) // must not panic
			require.NotZero(t, len(h.Files)+len(h.Tensors))
		}
	})
}
