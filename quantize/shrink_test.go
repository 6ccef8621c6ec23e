package quantize

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// TestSourceChanges changes the source after it was opened: no output is left, and the error names the source.
func TestSourceChanges(t *testing.T) {
	ctx := context.Background()
	for how, change := range map[string]func(path string) error{
		"cut off":  func(path string) error { return os.Truncate(path, 1<<20) },
		"modified": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
		// Nothing of it is read again: only the comparison at the end sees it.
		"longer": func(path string) error {
			st, err := os.Stat(path)
			if err == nil {
				err = os.Truncate(path, st.Size()+1)
			}
			return err
		},
	} {
		for _, typ := range []recipe.FileType{recipe.Copy, recipe.Q4_K_M} {
			t.Run(how, func(t *testing.T) {
				dir := t.TempDir()
				in, out := filepath.Join(dir, "in.gguf"), filepath.Join(dir, "out.gguf")
				require.NoError(t, Write(ctx, sample(), in, 1, nil))
				src, err := gguf.Open(in)
				require.NoError(t, err)
				defer src.Close()
				p, err := NewPlan(src, Options{FileType: typ, Threads: 2})
				require.NoError(t, err)
				require.NoError(t, change(in))
				err = p.Run(ctx, out, nil)
				require.ErrorIs(t, err, gguf.ErrInput)
				require.ErrorContains(t, err, in)
				names, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Len(t, names, 1, "nothing beside the input")
			})
		}
	}
}
