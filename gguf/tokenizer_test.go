package gguf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckTokenizer(t *testing.T) {
	for _, c := range []struct {
		key  string
		good any
		bad  any
		want string
	}{
		{"model", "gpt2", uint32(3), "expected a string"},
		{"pre", "llama-bpe", uint32(1), "expected a string"},
		{"add_bos_token", true, "yes", "expected true or false"},
		{"add_eos_token", false, uint8(1), "expected true or false"},
		{"add_sep_token", false, int32(1), "expected true or false"},
		{"add_space_prefix", false, "false", "expected true or false"},
		{"tokens", []string{"a", "b"}, []uint32{1}, "expected a list of strings"},
		{"merges", []string{"a b"}, []uint32{1}, "expected a list of strings"},
		{"scores", []float32{1, 2}, []int32{1, 2}, "expected a list of float32"},
		{"token_type", []int32{1, 1}, []string{"a"}, "expected a list of int32"},
		{"bos_token_id", uint32(1), "1", "expected one integer"},
		{"eos_token_id", uint32(1), uint32(2), "the vocabulary has 2 tokens"},
		{"fim_pre_token_id", int32(0), int32(-1), "the vocabulary has 2 tokens"},
		{"somebody.else", "x", nil, ""},
	} {
		md := &Metadata{}
		md.Set("tokenizer.ggml.tokens", []string{"a", "b"})
		md.Set("tokenizer.ggml."+c.key, c.good)
		require.NoError(t, CheckTokenizer(md), c.key)
		if c.want == "" {
			continue
		}
		md.Set("tokenizer.ggml."+c.key, c.bad)
		err := CheckTokenizer(md)
		require.ErrorIs(t, err, ErrInput, c.key)
		require.ErrorContains(t, err, "metadata tokenizer.ggml."+c.key+" is ")
		require.ErrorContains(t, err, c.want)
	}
}
