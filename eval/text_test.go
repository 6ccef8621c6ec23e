package eval

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestByteOrderMark: it is text as it is for llama.cpp, whose figures are of the whole file, but not part of JSON.
func TestByteOrderMark(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	texts, err := ReadTexts(write("a.txt", "\ufeffab\r\n"), "", JSONL{})
	require.NoError(t, err)
	require.Equal(t, "\ufeffab\r\n", texts[0].Data)
	texts, err = ReadTexts(write("a.jsonl", "\ufeff{\"text\":\"ab\"}\n"), "", JSONL{Text: "text", Slice: "slice"})
	require.NoError(t, err)
	require.Equal(t, "ab", texts[0].Data)
}

func TestTextIsUTF8(t *testing.T) {
	for name, text := range map[string]string{"a.txt": "ab\xff", "a.jsonl": "{\"text\":\"ab\xff\"}"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := ReadTexts(path, "", JSONL{Text: "text"})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, path+": byte 0xff at offset ")
	}
}
