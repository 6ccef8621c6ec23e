package tokenizer_test

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
)

func spmFile(tokens []string, scores []float32, types []int32) *gguf.Metadata {
	md := &gguf.Metadata{}
	md.Set("tokenizer.ggml.model", "llama")
	md.Set("tokenizer.ggml.tokens", tokens)
	md.Set("tokenizer.ggml.scores", scores)
	md.Set("tokenizer.ggml.token_type", types)
	md.Set("tokenizer.ggml.add_space_prefix", false)
	return md
}

func encode(t *testing.T, md *gguf.Metadata, text string, special bool) []int32 {
	t.Helper()
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	ids, err := tok.Encode(text, special, special)
	require.NoError(t, err)
	return ids
}

// Equal scores are merged from the left, whatever the ids: llama.cpp has no other rule.
func TestEqualScores(t *testing.T) {
	md := spmFile([]string{"<unk>", "<s>", "</s>", "bc", "ab", "a", "b", "c"},
		[]float32{-1000, -1000, -1000, -1000, -1000, -1000, -1000, -1000}, []int32{2, 3, 3, 1, 1, 1, 1, 1})
	require.Equal(t, []int32{4, 7}, encode(t, md, "abc", false))
}

// What a file does not say is what llama.cpp takes it to be.
func TestDefaults(t *testing.T) {
	md := spmFile([]string{"<unk>", "<s>", "</s>", "a"}, nil, []int32{2, 3, 3, 1})
	md.Delete("tokenizer.ggml.scores")
	require.Equal(t, []int32{1, 3}, encode(t, md, "a", true), "BOS is 1, and added")
	md.Set("tokenizer.ggml.bos_token_id", uint32(77))
	require.Equal(t, []int32{1, 3}, encode(t, md, "a", true), "an id outside the vocabulary is passed over")
	md.Set("tokenizer.ggml.add_eos_token", true)
	require.Equal(t, []int32{1, 3, 2}, encode(t, md, "a", true))
	require.Equal(t, []int32{0, 3}, encode(t, md, "<unk>a", true)[1:3], "the unknown token is found as it is written")

	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	require.True(t, tok.IsEOG(2), "EOS")
	require.False(t, tok.IsEOG(3))

	_, err = tokenizer.New(spmFile([]string{"a"}, []float32{0}, []int32{1}))
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "tokenizer.ggml.bos_token_id does not name one of the 1 tokens")
}

// Some tokens are known by how they are written.
func TestTokensByText(t *testing.T) {
	tokens := []string{"<unk>", "<s>", "</s>", "a", "<|im_end|>", "<|fim_prefix|>", "<|return|>", "<|call|>", "<|end|>", "<|channel|>"}
	types := []int32{2, 3, 3, 1, 4, 1, 3, 3, 3, 3}
	md := spmFile(tokens, make([]float32, len(tokens)), types)
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	for id, eog := range []bool{false, false, true, false, true, false, true, true, false, false} {
		require.Equal(t, eog, tok.IsEOG(int32(id)), tokens[id])
	}
	text := func(s string, special bool) []int32 {
		ids, err := tok.Encode(s, false, special)
		require.NoError(t, err)
		return ids
	}
	require.Equal(t, []int32{5}, text("<|fim_prefix|>", true))
	require.Equal(t, []int32{9}, text("<|channel|>", false), "shown ones are always found")
	require.Equal(t, []int32{8}, text("<|end|>", false))
	_, err = tok.Encode("<|im_end|>", false, false)
	require.ErrorContains(t, err, "no token for", "an ending is a control token, whatever its type says")
}

// Phi-3's special tokens take the white space behind them.
func TestPhi3Strips(t *testing.T) {
	md := spmFile([]string{"<unk>", "<s>", "</s>", "a", "▁", "<|user|>"}, make([]float32, 6), []int32{2, 3, 3, 1, 1, 3})
	require.Equal(t, []int32{1, 5, 4, 3}, encode(t, md, "<|user|> a", true))
	md.Set("general.name", "Phi-3-mini")
	require.Equal(t, []int32{1, 5, 3}, encode(t, md, "<|user|> \n a", true))
	require.Equal(t, []int32{1, 1, 4, 3}, encode(t, md, "<s> a", true))
}

func TestBytes(t *testing.T) {
	md := spmFile([]string{"<unk>", "<s>", "</s>", "<0xC3>", "\xa9", "<0x41>"}, make([]float32, 6), []int32{2, 3, 3, 6, 6, 1})
	require.Equal(t, []int32{3, 4}, encode(t, md, "é", false), "a byte may be a token as it is")
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	_, err = tok.Encode("ü", false, false)
	require.ErrorContains(t, err, "byte 0xBC")
	require.Equal(t, "<0x41>", string(tok.Piece(5)), "the type makes it a byte, not the spelling")
}

func TestDuplicateTokens(t *testing.T) {
	_, err := tokenizer.New(spmFile([]string{"<unk>", "<s>", "</s>", "a", "a"}, make([]float32, 5), []int32{2, 3, 3, 1, 1}))
	require.ErrorContains(t, err, `tokens 3 and 4 are both "a"`)
	_, err = tokenizer.New(spmFile([]string{"<unk>", "<s>", "</s>", "", ""}, make([]float32, 5), []int32{2, 3, 3, 1, 1}))
	require.NoError(t, err, "empty ones are told apart")
}

func TestUnknownPreTokenizer(t *testing.T) {
	md := &gguf.Metadata{}
	md.Set("tokenizer.ggml.model", "gpt2")
	md.Set("tokenizer.ggml.tokens", []string{"a"})
	md.Set("tokenizer.ggml.pre", "lama-bpe")
	_, err := tokenizer.New(md)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, `unknown pre-tokenizer "lama-bpe"; did you mean llama-bpe`)
	md.Set("tokenizer.ggml.pre", "spark2_5")
	_, err = tokenizer.New(md)
	require.ErrorContains(t, err, `pre-tokenizer "spark2_5" is not supported`)
}
