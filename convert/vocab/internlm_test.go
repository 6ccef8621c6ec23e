package vocab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInternLM: pieces for later use, the piece of a zero byte, added tokens as they stand, and the end of a turn.
func TestInternLM(t *testing.T) {
	piece := func(text string, typ byte) string {
		msg := "\x0a" + string(rune(len(text))) + text + "\x18" + string(rune(typ))
		return "\x0a" + string(rune(len(msg))) + msg
	}
	model := piece("<unk>", 2) + piece("\x00", 1) + piece("[UNUSED_TOKEN_1]", 1) + piece("[UNUSED_TOKEN_2]", 1) + piece("a", 1)
	decoder := func(special bool) object {
		return object{"add_prefix_space": false, "eos_token": "</s>", "added_tokens_decoder": object{
			"3": object{"content": "<|im_end|>", "special": special}, "4": object{"content": "▁x"}}}
	}
	for _, c := range []struct {
		class   string
		special bool
		tokens  []string
		types   []int64
		eos     int64
		prefix  bool
	}{
		{internLM2, true, []string{"<unk>", "🐉", "[UNUSED_TOKEN_1]", "<|im_end|>", "▁x"}, []int64{2, 1, 5, 3, 4}, 3, true},
		{internLM2, false, []string{"<unk>", "🐉", "[UNUSED_TOKEN_1]", "<|im_end|>", "▁x"}, []int64{2, 1, 5, 4, 4}, 3, true},
		{internLM3, true, []string{"<unk>", "\x00", "[UNUSED_TOKEN_1]", "<|im_end|>", " x"}, []int64{2, 1, 1, 3, 4}, 3, false},
	} {
		md := load(t, object{"tokenizer.model": model, "tokenizer_config.json": decoder(c.special)}, Options{Class: c.class, Config: object{"eos_token_id": 2.0}})
		require.Equal(t, c.tokens, md.Strings("tokenizer.ggml.tokens"), c.class)
		require.Equal(t, c.types, md.Ints("tokenizer.ggml.token_type"), c.class)
		eos, _ := md.Int("tokenizer.ggml.eos_token_id")
		require.Equal(t, c.eos, eos)
		prefix, _ := md.Get("tokenizer.ggml.add_space_prefix")
		require.Equal(t, c.prefix, prefix)
	}
}
