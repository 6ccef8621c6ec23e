package pickle

import (
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/stretchr/testify/require"
)

// TestFiles reads what torch.save wrote (scripts/checkpoints/make_bin.py) and finds the same as in the safetensors beside it,
// whole and in pieces that begin anywhere.
func TestFiles(t *testing.T) {
	for name, tensors := range map[string]int{"dtypes": 15, "views": 14, "legacy": 13, "nested": 1} {
		t.Run(name, func(t *testing.T) {
			got, err := OpenFile("testdata", name+".bin")
			require.NoError(t, err)
			defer got.Close()
			want, err := safetensors.OpenFile("testdata", name+".safetensors")
			require.NoError(t, err)
			defer want.Close()
			require.Len(t, got.Tensors(), tensors)
			require.Len(t, want.Tensors(), tensors)
			for i, w := range want.Tensors() {
				g := got.Tensors()[i]
				require.Equal(t, []any{w.Name, w.Type, w.DType, w.Size(), name + ".bin"}, []any{g.Name, g.Type, g.DType, g.Size(), g.File})
				require.Equal(t, append([]int64{}, w.Shape...), g.Shape, w.Name)
				a, b := make([]byte, w.Size()), make([]byte, w.Size())
				require.NoError(t, w.ReadAt(a, 0))
				require.NoError(t, g.ReadAt(b, 0))
				require.Equal(t, a, b, w.Name)
				for off := int64(0); off < w.Size(); off += 3 {
					part := b[:min(7, w.Size()-off)]
					require.NoError(t, g.ReadAt(part, off))
					require.Equal(t, a[off:][:len(part)], part, w.Name)
				}
				if bytes := g.Bytes(); bytes != nil {
					require.Equal(t, a, bytes, w.Name)
				}
			}
			require.NoError(t, got.Unchanged())
		})
	}
}

// TestRowsUnmapped reads rows of views as from a file that cannot be mapped.
func TestRowsUnmapped(t *testing.T) {
	storage := []byte("abcdefghijklmnopqrstuvwxyz")
	v := &view{begin: 1, width: 2, shape: []int64{2, 3, 2}, strides: []int64{1, 2, 6}}
	var reads int
	dst := make([]byte, 24)
	require.NoError(t, v.rows(dst, 0, func(p []byte, at int64) error { reads++; copy(p, storage[at:]); return nil }))
	require.Equal(t, "bcnofgrsjkvwdepqhitulmxy", string(dst))
	require.Equal(t, 12, reads)
}

func TestIn(t *testing.T) {
	require.False(t, In("testdata"))
	require.True(t, Match("pytorch_model-00001-of-00002.bin"))
	require.False(t, Match("training_args.bin"))
	require.False(t, Match(filepath.Join("x", "pytorch_model.bin")))
}
