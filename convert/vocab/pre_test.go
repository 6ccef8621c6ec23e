package vocab

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

const qwenSplit = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

const spelledGPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// kimiSplit is what Kimi K2's Python code splits by.
const kimiSplit = `[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?` +
	`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?` +
	`|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

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
		{sequence(split(spelledGPT2, "Isolated", false), bytes), nil, "gpt-2"},
		{sequence(object{"type": "Punctuation", "behavior": "Contiguous"}, gpt2, object{"type": "Digits"}, split("[0-9][0-9][0-9]", "Isolated", false)), nil, "falcon"},
		{sequence(object{"type": "Punctuation", "behavior": "Contiguous"}, gpt2, split("[0-9][0-9][0-9]", "Isolated", false)), nil, "falcon"},
		{sequence(split(` ?[^(\s|[.,!?…。，、।۔،])]+`, "Isolated", false), bytes), nil, "bloom"},
		{sequence(split("<sentinel:[0-9]+>", "Isolated", false), split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "Isolated", false),
			split(`([\t\n]|    |  )`, "Isolated", false), digits, object{"type": "Punctuation"}, gpt2), nil, "chameleon"},
		{sequence(split(`\p{N}+`, "Isolated", false), split(`(?=(\d{3})+(?!\d))`, "Isolated", false), bytes), nil, "superbpe"},
		{sequence(object{"type": "Digits"}, split(`(?=(\d{3})+(?!\d))`, "Isolated", false), bytes), nil, "superbpe"},
		{sequence(split(kimiSplit, "Isolated", false), bytes), nil, "kimi-k2"},
		{object{"type": "Whitespace"}, nil, "whitespace"},
		// Each of these is something else.
		{sequence(gpt2, split(`\p{L}`, "Isolated", false)), nil, ""},
		{sequence(object{"type": "Punctuation", "behavior": "Removed"}, gpt2), nil, ""},
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

// Every pre-tokenizer of the table over bytes is recognised by how it splits, as itself or as the most general of those
// that do all things alike.
func TestEveryPreTokenizer(t *testing.T) {
	recognised := 0
	for _, name := range names.All() {
		p, _ := names.Find(name)
		if p.Splits == nil || p.Joins != names.Bytes || name == "default" {
			continue
		}
		for _, splits := range append([][]string{p.Splits}, p.Also...) {
			var steps []object
			for _, s := range splits {
				steps = append(steps, split(s, "Isolated", false))
			}
			var normalizer any
			if p.NFC {
				normalizer = object{"type": "NFC"}
			}
			tok := byteBPE(sequence(append(steps, object{"type": "ByteLevel", "use_regex": false})...), normalizer)
			tok["model"].(object)["ignore_merges"] = p.IgnoreMerges
			kvs, err := Load(write(t, object{"tokenizer.json": tok}), Options{})
			require.NoError(t, err, name)
			got, ok := names.Find(kvs[1].Value.(string))
			require.True(t, ok)
			require.True(t, got.SplitsAlike(splits), "%s is taken for %s", name, got.Name)
			require.Equal(t, p.NFC, got.NFC, name)
			recognised++
		}
	}
	require.Greater(t, recognised, 75)
}

// ModernBERT for many languages has a tokenizer like Gemma's, with merges.
func TestSpaced(t *testing.T) {
	md := load(t, object{"tokenizer.json": fallback(object{"id": 0, "content": "<unk>", "special": true})}, Options{Class: "ModernBertModel"})
	kind, _ := md.String("tokenizer.ggml.model")
	pre, _ := md.String("tokenizer.ggml.pre")
	require.Equal(t, "gpt2", kind)
	require.Equal(t, "granite-embed-multi-311m", pre)
	require.Equal(t, []string{"a b", "ab c", "a bc", "▁ ab"}, md.Strings("tokenizer.ggml.merges"))
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
