package manifest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestRead: a record is read back as it was, and is that of its file alone.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	b, m, md := record(t, dir)
	path := filepath.Join(dir, "m.json")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	got, raw, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, b, raw)
	require.Equal(t, m.Outputs, got.Outputs)
	require.NoError(t, got.Of(filepath.Join(dir, "out.gguf")))
	require.ErrorContains(t, got.Of(path), "it is of another file")
	require.ErrorContains(t, got.Of(path, path), "it is of 1 files, and the model has 2")

	own := FromMetadata(md)
	require.Equal(t, m.Tool, own.Tool)
	require.Equal(t, m.Command, own.Command)
	require.Equal(t, "Q8_0", own.Options["type"])
	require.Equal(t, m.Sources[0].SHA256, own.Sources[0].SHA256)
	require.Equal(t, "in.bin", own.Sources[0].Name)
	require.Nil(t, FromMetadata(&gguf.Metadata{}))
}

func TestReadRefused(t *testing.T) {
	for content, want := range map[string]string{"{": "is no manifest", `{"version": 2}`: "is no manifest of version 1 (version is 2)", "[]": "is no manifest"} {
		path := filepath.Join(t.TempDir(), "m.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, _, err := Read(path)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)
	}
}
