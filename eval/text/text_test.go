package text

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

func TestReadTexts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chats.jsonl")
	fields := JSONL{Text: "text", Slice: "language"}
	write := func(s string) { require.NoError(t, os.WriteFile(path, []byte(s), 0o600)) }

	write(`{"text": "a", "language": "en"}` + "\n\n" + `{"text": "b", "language": "de"}` + "\n" + `{"language": "en", "text": "c"}` + "\n" + `{"text": "d", "language": 3}`)
	got, err := ReadTexts(path, "", fields)
	require.NoError(t, err)
	require.Equal(t, []Text{NewText("en", "chats.jsonl", "a\n\nc"), NewText("de", "chats.jsonl", "b"), NewText("3", "chats.jsonl", "d")}, got)

	write(`{"text": "a"}`)
	got, err = ReadTexts(path, "mine", fields)
	require.NoError(t, err)
	require.Equal(t, "mine", got[0].Name)

	write(`{"text": "a", "language": ""}` + "\n" + `{"text": "b", "language": null}`)
	got, err = ReadTexts(path, "", fields)
	require.NoError(t, err)
	require.Equal(t, []Text{NewText("chats", "chats.jsonl", "a\n\nb")}, got)

	for content, message := range map[string]string{
		"":                                "no documents",
		"{\"text\": \"a\"}\nnot json":     "line 2",
		`{"body": "a"}`:                   `line 1: field "text" is missing`,
		`{"text": null}`:                  `line 1: field "text" is missing or not a string`,
		`{"text": ["a"], "language": ""}`: `line 1: field "text" is missing or not a string`,
	} {
		write(content)
		_, err := ReadTexts(path, "", fields)
		require.ErrorIs(t, err, gguf.ErrInput, content)
		require.ErrorContains(t, err, message)
		require.ErrorContains(t, err, path)
	}
	for _, path := range []string{filepath.Join(dir, "missing.txt"), dir} {
		_, err = ReadTexts(path, "", fields)
		require.ErrorIs(t, err, gguf.ErrInput)
	}
}

func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"text": "a", "slice": "x"}`))
	f.Add([]byte("{\"text\": \"a\", \"slice\": {}}\n[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		texts, err := parseJSONL(b, "x.jsonl", "x", JSONL{"text", "slice"})
		require.Equal(t, err != nil, texts == nil)
	})
}
