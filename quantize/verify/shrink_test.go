package verify

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestModelChanges changes the model, or its source, after it was opened: that is no verdict but an error.
func TestModelChanges(t *testing.T) {
	ctx := context.Background()
	m := matrix(t)
	touch := func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) }
	cut := func(path string) error { return os.Truncate(path, 1<<15) }
	for how, change := range map[string]func(path string) error{"modified": touch, "cut off": cut} {
		t.Run(how, func(t *testing.T) {
			path, original := quantized(t, m), quantized(t, m)
			f, source := openFile(t, path), openFile(t, original)
			_, err := Verify(ctx, f, Options{Source: source, Imatrix: m}, nil)
			require.NoError(t, err)
			require.NoError(t, change(original))
			_, err = Verify(ctx, f, Options{Source: source, Imatrix: m}, nil)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, original)
			require.NoError(t, change(path))
			_, err = Verify(ctx, f, Options{}, nil)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, path)
		})
	}
}
