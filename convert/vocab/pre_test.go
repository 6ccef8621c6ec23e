package vocab

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

const qwenSplit = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

func split(regex, behavior string, invert bool) object {
	return object{"type": "Split", "pattern": object{"Regex": regex}, "behavior": behavior, "invert": invert}
}

func sequence(steps ...object) object { return object{"type": "Sequence", "pretokenizers": steps} }

// byteBPE is a byte-level BPE of a few tokens.
func byteBPE(pre, normalizer any) object {
	return object{"normalizer": normalizer, "pre_tokenizer": pre,
		"model": object{"type": "BPE", "vocab": object{"a": 0, "b": 1, "ab": 2}, "merges": []string{"a b"}}}
}

func TestPreTokenizerByStructure(t *testing.T) {
	bytes, gpt2, digits := object{"type": "ByteLevel", "use_regex": false}, object{"type": "ByteLevel"}, object{"type": "Digits", "individual_digits": true}
	nfc := object{"type": "NFC"}
	for _, c := range []struct {
		pre, normalizer any
		want            string
	}{
		{gpt2, nil, "gpt-2"},
		{gpt2, nfc, "olmo"},
		{sequence(digits, gpt2), nil, "smollm"},
		{sequence(digits, gpt2), nfc, "command-r"},
		{sequence(split(qwenSplit, "Isolated", false), bytes), nfc, "qwen2"},
		{sequence(split(qwenSplit, "Removed", true), bytes), nfc, "qwen2"},
		{sequence(split(qwenSplit, "Isolated", false), bytes), object{"type": "Sequence", "normalizers": []object{}}, "stablelm2"},
		{sequence(sequence(split(`[\r\n]`, "Isolated", false), split(`\s?\p{L}+`, "Isolated", false)), split(`\s?\p{P}+`, "Isolated", false),
			split(`[一-龥ࠀ-一가-퟿]+`, "Isolated", false), digits, bytes), nil, "deepseek-coder"},
		// Each of these is something else.
		{split(qwenSplit, "Isolated", false), nfc, ""},
		{sequence(split(qwenSplit, "MergedWithNext", false), bytes), nfc, ""},
		{sequence(split(qwenSplit, "Isolated", true), bytes), nfc, ""},
		{sequence(digits, split(qwenSplit, "Removed", true), bytes), nfc, ""},
		{object{"type": "ByteLevel", "add_prefix_space": true}, nil, ""},
		{gpt2, object{"type": "Lowercase"}, ""},
		{sequence(object{"type": "Digits"}, gpt2), nil, ""},
		{sequence(split(`(`, "Isolated", false), bytes), nil, ""},
		{bytes, nil, ""},
		{nil, nil, ""},
	} {
		dir := write(t, object{"tokenizer.json": byteBPE(c.pre, c.normalizer)})
		kvs, err := Load(dir, Options{})
		if c.want == "" {
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, "unknown pre-tokenizer")
			require.Contains(t, hint.Of(err), "--pre NAME")
			continue
		}
		require.NoError(t, err, c)
		require.Equal(t, gguf.KV{Key: "tokenizer.ggml.pre", Value: c.want}, kvs[1])
	}
}

func TestPreGiven(t *testing.T) {
	dir := write(t, object{"tokenizer.json": byteBPE(nil, nil)})
	kvs, err := Load(dir, Options{Pre: "tekken"})
	require.NoError(t, err)
	require.Equal(t, "tekken", kvs[1].Value)
	_, err = Load(dir, Options{Pre: "teken"})
	require.ErrorIs(t, err, ErrPre)
	require.ErrorContains(t, err, `unknown pre-tokenizer "teken"; did you mean tekken`)
	_, err = Load(write(t, object{"tokenizer.json": fallback()}), Options{Pre: "tekken"})
	require.ErrorIs(t, err, ErrPre)
	require.ErrorContains(t, err, "--pre tekken has no effect")
}

// The reference's check text is tokenized with the special tokens that the tokenizer adds.
func TestSurrounding(t *testing.T) {
	special := func(s string) templatePiece {
		var p templatePiece
		p.SpecialToken.ID = s
		return p
	}
	var text templatePiece
	text.Sequence.ID = "A"
	f := &folder{config: object{"bos_token": "<s>", "eos_token": object{"content": "</s>"}}, json: &tokenizerJSON{
		AddedTokens:   []addedToken{{ID: 7, Content: "<s>"}, {ID: 8, Content: "</s>"}},
		PostProcessor: &postProcessor{Type: "TemplateProcessing", Single: []templatePiece{text, special("</s>")}},
	}}
	before, after, ok := f.surrounding()
	require.True(t, ok)
	require.Empty(t, before)
	require.Equal(t, []int32{8}, after)
	f.config["tokenizer_class"] = "LlamaTokenizerFast"
	before, after, ok = f.surrounding()
	require.True(t, ok)
	require.Equal(t, []int32{7}, before)
	require.Empty(t, after)
	f.config["bos_token"] = "<nowhere>"
	_, _, ok = f.surrounding()
	require.False(t, ok)
}
