package gguf

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// written makes a file of the sample's tensors.
func written(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.gguf")
	w, err := Create(path, sampleMetadata(), sampleTensors())
	require.NoError(t, err)
	for i, x := range sampleTensors() {
		require.NoError(t, w.WriteAt(i, fill(i, x.Bytes()), 0))
	}
	require.NoError(t, w.Commit())
	return path
}

// TestInputChanges changes a file after it was opened: whatever is made of it then fails, names it and leaves nothing.
func TestInputChanges(t *testing.T) {
	ctx := context.Background()
	changes := map[string]func(t *testing.T, path string){
		"cut off": func(t *testing.T, path string) {
			st, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, st.Size()-100))
		},
		"empty": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"modified": func(t *testing.T, path string) {
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
		},
		"longer": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteString("more")
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
	}
	uses := map[string]func(f *File, out string) error{
		"rewrite": func(f *File, out string) error { return Rewrite(ctx, out, f.Metadata(), f.Tensors(), Split{}, nil) },
		"split": func(f *File, out string) error {
			return Rewrite(ctx, out, f.Metadata(), f.Tensors(), Split{MaxTensors: 1}, nil)
		},
		"replace": func(f *File, _ string) error { return f.Replace(ctx, f.Metadata(), nil) },
		"hash":    func(f *File, _ string) error { _, err := Hash(ctx, f, 2, nil); return err },
		"diff":    func(f *File, _ string) error { _, err := DiffTensors(ctx, f, f, 2, nil); return err },
	}
	for how, change := range changes {
		for what, use := range uses {
			t.Run(what+" of "+how, func(t *testing.T) {
				path := written(t)
				f, err := Open(path)
				require.NoError(t, err)
				defer f.Close()
				change(t, path)
				before, err := os.ReadFile(path)
				require.NoError(t, err)
				err = use(f, filepath.Join(filepath.Dir(path), "out.gguf"))
				require.ErrorIs(t, err, ErrInput)
				require.ErrorContains(t, err, path)
				names, err := os.ReadDir(filepath.Dir(path))
				require.NoError(t, err)
				require.Len(t, names, 1, "nothing beside the input")
				after, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, before, after)
			})
		}
	}
}

func TestReadRowsOfCutFile(t *testing.T) {
	path := written(t)
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	x := f.Tensors()[3]
	b := make([]byte, x.Info().Bytes())
	require.NoError(t, x.ReadRows(b, 0, 1))
	_, at := x.(Placed).Place()
	require.NoError(t, os.Truncate(path, at+int64(len(b))-1))
	err = x.ReadRows(b, 0, 1)
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "tensor one.weight")
	require.NoError(t, f.Tensors()[0].ReadRows(make([]byte, f.Tensors()[0].Info().RowBytes()), 0, 1), "what is there can be read")
}
