package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// writerFunc is a stream that does something when it is written to.
type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestModelChangesWhileRunning modifies the model once the first words are out.
func TestModelChangesWhileRunning(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	args := func(s string) []string { return strings.Fields("carat " + s) }
	require.Equal(t, 0, run(context.Background(), args("convert ../../testdata/tiny-llama --quiet -o "+model), streams{strings.NewReader(""), io.Discard, io.Discard}))
	var stderr bytes.Buffer
	touch := writerFunc(func([]byte) { require.NoError(t, os.Chtimes(model, time.Time{}, time.Now().Add(time.Hour))) })
	code := run(context.Background(), args("run -p Once -n 3 "+model), streams{strings.NewReader(""), touch, &stderr})
	require.Equal(t, exitInput, code, stderr.String())
	require.Contains(t, stderr.String(), model+": was modified at ")
}

// TestModelChangesBeforeItsSums: sums of a file that changed while it was read are not shown.
func TestModelChangesBeforeItsSums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	mustCarat(t, "build", tiny, "--type", "Q4_0", "-o", path, "--quiet")
	m, err := gguf.Open(path)
	require.NoError(t, err)
	defer m.Close()
	_, err = inspect(context.Background(), m, true)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
	_, err = inspect(context.Background(), m, true)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, path+": was modified at ")
}

// when is a context that does something when it is first asked whether to go on.
type when struct {
	context.Context
	once func()
}

func (w *when) Err() error {
	if w.once != nil {
		w.once()
		w.once = nil
	}
	return nil
}

// TestModelChangesWhileCollecting: no snapshot keeps sums of a model that changed, since --resume would continue from it.
func TestModelChangesWhileCollecting(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "i.gguf")
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", path, "--quiet")
	ctx := &when{context.Background(), func() { require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))) }}
	code, _, stderr := carat(ctx, "imatrix", path, "--text", evalFile, "--ctx", "64", "--chunks", "8", "--save-every", "2", "-o", out)
	require.Equal(t, exitInput, code, stderr)
	require.Contains(t, stderr, path+": was modified at ")
	require.NoFileExists(t, out+".partial")
	require.NoFileExists(t, out)
}
