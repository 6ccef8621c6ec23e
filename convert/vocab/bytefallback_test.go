package vocab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// write makes a folder with the files given as JSON values (strings are written as they are).
func write(t testing.TB, files map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	for name, v := range files {
		b, isText := []byte(nil), false
		if s, ok := v.(string); ok {
			b, isText = []byte(s), true
		}
		if !isText {
			var err error
			b, err = json.Marshal(v)
			require.NoError(t, err)
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, b, 0o600))
	}
	return dir
}

// load loads a folder as metadata.
func load(t testing.TB, files map[string]any, o Options) *gguf.Metadata {
	t.Helper()
	kvs, err := Load(write(t, files), o)
	require.NoError(t, err)
	md := &gguf.Metadata{}
	for _, kv := range kvs {
		md.Set(kv.Key, kv.Value)
	}
	return md
}

type object = map[string]any

func sequenceOf(normalizers ...object) object {
	return object{"type": "Sequence", "normalizers": normalizers}
}

// fallback is a small BPE with byte fallback, whose ids are in another order than its merges.
func fallback(added ...object) object {
	return object{
		"added_tokens": added,
		"normalizer":   sequenceOf(object{"type": "Prepend", "prepend": "▁"}, object{"type": "Replace", "pattern": object{"String": " "}, "content": "▁"}),
		"model": object{
			"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
			"vocab": object{"<unk>": 0, "<s>": 1, "<0x0A>": 2, "▁ab": 3, "ab": 4, "abc": 5, "c": 6, "b": 7, "a": 8, "▁": 9, "lone": 10},
			// "abc" is made twice: its first place counts.
			"merges": [][2]string{{"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"▁", "ab"}},
		},
	}
}

func TestScoresFromMerges(t *testing.T) {
	unk, bos := object{"id": 0, "content": "<unk>", "special": true}, object{"id": 1, "content": "<s>", "special": true}
	md := load(t, object{"tokenizer.json": fallback(unk, bos, object{"id": 10, "content": "lone"}, object{"id": 11, "content": "<more>"})},
		Options{Class: "LlamaForCausalLM", Config: object{"vocab_size": 13.0}})
	kind, _ := md.String("tokenizer.ggml.model")
	require.Equal(t, "llama", kind)
	require.Equal(t, []string{"<unk>", "<s>", "<0x0A>", "▁ab", "ab", "abc", "c", "b", "a", "▁", "lone", "<more>", "[PAD12]"},
		md.Strings("tokenizer.ggml.tokens"))
	require.Equal(t, []float32{0, 0, 0, -2, 0, -1, -3, -4, -5, -6, -7, -8, -10000}, md.Floats("tokenizer.ggml.scores"))
	require.Equal(t, []int64{3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 4, 4, 5}, md.Ints("tokenizer.ggml.token_type"))
}

// Gemma 3 has more added tokens than rows, and marks tokens as ordinary that the reference treats as special.
func TestGemmaAddedTokens(t *testing.T) {
	md := load(t, object{"tokenizer.json": fallback(
		object{"id": 0, "content": "<unk>", "special": true},
		object{"id": 9, "content": "<unused9>"},
		object{"id": 10, "content": "▁▁"},
		object{"id": 11, "content": "<image_soft_token>", "special": true},
	)}, Options{Class: "Gemma3ForCausalLM", Config: object{"vocab_size": 11.0}})
	require.Len(t, md.Strings("tokenizer.ggml.tokens"), 11)
	require.Equal(t, "  ", md.Strings("tokenizer.ggml.tokens")[10])
	require.Equal(t, []int64{3, 1, 6, 1, 1, 1, 1, 1, 1, 3, 4}, md.Ints("tokenizer.ggml.token_type"))
	require.Equal(t, []float32{0, -3, 0, -2, 0, -1, -4, -5, -6, 0, -7}, md.Floats("tokenizer.ggml.scores"))
}

// A space before a text is what runtimes take for granted.
func TestSpacePrefix(t *testing.T) {
	for _, c := range []struct {
		normalizer, pre any
		config          object
		want            any
	}{
		{object{"type": "Prepend", "prepend": "▁"}, nil, nil, nil},
		{nil, object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}, nil, nil},
		{nil, object{"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}, nil, nil},
		{nil, object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}, nil, false},
		{nil, object{"type": "Split", "pattern": object{"String": " "}, "behavior": "MergedWithPrevious"}, nil, false},
		{nil, nil, object{"add_prefix_space": true}, true},
	} {
		tok := fallback()
		tok["normalizer"], tok["pre_tokenizer"] = c.normalizer, c.pre
		files := object{"tokenizer.json": tok}
		if c.config != nil {
			files["tokenizer_config.json"] = c.config
		}
		md := load(t, files, Options{Class: "LlamaForCausalLM"})
		got, _ := md.Get("tokenizer.ggml.add_space_prefix")
		require.Equal(t, c.want, got, c)
	}
	tok := fallback()
	tok["pre_tokenizer"] = object{"type": "Digits"}
	dir := write(t, object{"tokenizer.json": tok})
	_, err := Load(dir, Options{})
	require.ErrorContains(t, err, "unknown pre-tokenizer of a SentencePiece tokenizer: Digits(runs)")
	_, err = Load(dir, Options{Pre: "default"})
	require.NoError(t, err)
}
