package vocab

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
)

// rankTokens are the bytes and a few tokens made of them.
func rankTokens() []string {
	var out []string
	for b := range 256 {
		out = append(out, string([]byte{byte(b)}))
	}
	return append(out, "ab", " c", "abab", "ba", "aba")
}

func rankLines(tokens []string) string {
	var b strings.Builder
	for i, t := range tokens {
		fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString([]byte(t)), i)
	}
	return b.String()
}

func encodeWith(t *testing.T, md *gguf.Metadata, text string) []int32 {
	t.Helper()
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	ids, err := tok.Encode(text, true, true)
	require.NoError(t, err)
	return ids
}

func TestTiktoken(t *testing.T) {
	config := object{"bos_token": "<|begin|>", "eos_token": "<|end_of_text|>", "added_tokens_decoder": object{
		"261": object{"content": "<|begin|>", "special": true}, "262": object{"content": "<|end_of_text|>", "special": true}}}
	for file, pre := range map[string]string{"tokenizer.model": "llama-bpe", "tiktoken.model": "kimi-k2", "qwen.tiktoken": "qwen2"} {
		md := load(t, object{file: rankLines(rankTokens()), "tokenizer_config.json": config}, Options{Class: "DeepseekV3ForCausalLM",
			Config: object{"vocab_size": 264.0, "bos_token_id": 261.0, "eos_token_id": 262.0}})
		got, _ := md.String("tokenizer.ggml.pre")
		require.Equal(t, pre, got)
		// aba is made of ab, which has the lower rank, and a.
		require.Equal(t, []string{"a b", "Ġ c", "ab ab", "b a", "ab a"}, md.Strings("tokenizer.ggml.merges"))
		require.Equal(t, []string{"aba", "<|begin|>", "<|end_of_text|>", "<|reserved_token_263|>"}, md.Strings("tokenizer.ggml.tokens")[260:])
		md.Set("tokenizer.ggml.add_bos_token", true)
		require.Equal(t, []int32{261, 258, 260, 257, 262}, encodeWith(t, md, "ababaab"[:4]+"aba c<|end_of_text|>"))
	}
	_, err := Load(write(t, object{"tiktoken.model": rankLines(rankTokens())}), Options{})
	require.ErrorContains(t, err, "special tokens of its rank file are not known")
	require.Contains(t, hint.Of(err), "tokenizer.json")
	_, err = Load(write(t, object{"tiktoken.model": rankLines(rankTokens()) + "YQ== 7\n"}), Options{})
	require.ErrorContains(t, err, "line 262: expected a token in base64 and the rank 261")
}

func TestTekken(t *testing.T) {
	var vocab []object
	for i, tok := range rankTokens() {
		vocab = append(vocab, object{"rank": i, "token_bytes": base64.StdEncoding.EncodeToString([]byte(tok))})
	}
	file := func(pattern string, special any) object {
		return object{"tekken.json": object{"config": object{"pattern": pattern, "default_vocab_size": 276, "default_num_special_tokens": 15},
			"vocab": vocab, "special_tokens": special}, "chat_template.jinja": "{{x}}"}
	}
	o := Options{Class: "MistralForCausalLM", Config: object{"vocab_size": 276.0}}
	md := load(t, file(names.Tekken, nil), o)
	require.Equal(t, []string{"a b", "Ġ c", "ab ab", "aba b", "b a", "a ba", "ab a"}, md.Strings("tokenizer.ggml.merges"))
	require.Equal(t, "[PREFIX]", md.Strings("tokenizer.ggml.tokens")[14])
	require.Equal(t, []int32{1, 15 + 258, 2}, encodeWith(t, md, "abab</s>"))
	template, _ := md.String("tokenizer.chat_template")
	require.Equal(t, "{{x}}", template)

	md = load(t, file(names.Tekken, []object{{"rank": 0, "token_str": "<unk>"}, {"rank": 1, "token_str": "<s>"}, {"rank": 2, "token_str": "</s>"}}), o)
	require.Equal(t, "<SPECIAL_14>", md.Strings("tokenizer.ggml.tokens")[14])
	pad, _ := md.Int("tokenizer.ggml.padding_token_id")
	require.EqualValues(t, 2, pad)

	_, err := Load(write(t, file(`\p{L}+`, nil)), o)
	require.ErrorContains(t, err, `unknown pre-tokenizer: \p{L}+`)
	require.Contains(t, hint.Of(err), "--pre")
}

// Beside tokenizer.json neither is looked at.
func TestRanksUnused(t *testing.T) {
	for _, file := range []string{"tekken.json", "tiktoken.model", "qwen.tiktoken"} {
		md := load(t, object{"tokenizer.json": fallback(), file: "YQ== 7"}, Options{Class: "MistralForCausalLM"})
		model, _ := md.String("tokenizer.ggml.model")
		require.Equal(t, "llama", model, file)
	}
}
