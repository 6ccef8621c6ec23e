package tokenizer_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
)

func newTokenizer(t *testing.T, kvs map[string]any) *tokenizer.Tokenizer {
	t.Helper()
	md := &gguf.Metadata{}
	for k, v := range kvs {
		md.Set("tokenizer.ggml."+k, v)
	}
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	return tok
}

func bert(extra map[string]any) map[string]any {
	kvs := map[string]any{
		"model":  "bert",
		"tokens": []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "aff", "able", "▁the", "▁!", "▁天", "▁Éa", "▁ea", "ff", "▁i̇", "▁i"},
		// The special ones are control tokens, and the others normal.
		"token_type":   []int32{3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		"bos_token_id": uint32(2), "seperator_token_id": uint32(3), "unknown_token_id": uint32(1),
	}
	for k, v := range extra {
		kvs[k] = v
	}
	return kvs
}

func TestWordPiece(t *testing.T) {
	cased := bert(map[string]any{"normalizer.lowercase": false})
	for _, c := range []struct {
		kvs  map[string]any
		text string
		want []int32
	}{
		{bert(nil), "Unaffable", []int32{4, 5, 6}},
		{bert(nil), " the\tUN !the\n", []int32{7, 4, 8, 7}},
		{bert(nil), "天天the", []int32{9, 9, 7}},
		{bert(nil), "unx the", []int32{1, 7}},                // a word is unknown as a whole
		{bert(nil), "un\x00aff\u200dable", []int32{4, 5, 6}}, // control characters are left out
		{bert(nil), "Éaff", []int32{11, 12}},
		{bert(map[string]any{"normalizer.strip_accents": false}), "Éaff", []int32{1}},
		{bert(map[string]any{"normalizer.strip_accents": false}), "İ İ", []int32{13, 13}},
		{bert(nil), "İ", []int32{14}},
		{cased, "Éaff Un", []int32{10, 12, 1}},
		{bert(nil), "un▁the", []int32{1}}, // ▁the only begins a word
		{bert(nil), "[SEP] the [sep]", []int32{3, 7, 1, 1, 1}},
		{bert(nil), "un" + string(slices.Repeat([]byte("aff"), 33)), []int32{1}}, // more than 100 characters
		{bert(nil), "", nil},
	} {
		tok := newTokenizer(t, c.kvs)
		ids, err := tok.Encode(c.text, false, true)
		require.NoError(t, err)
		require.Equal(t, c.want, ids, c.text)
		ids, err = tok.Encode(c.text, true, true)
		require.NoError(t, err)
		require.Equal(t, slices.Concat([]int32{2}, c.want, []int32{3}), ids, "texts are always between two tokens")
	}
	require.Equal(t, "unaffable the", newTokenizer(t, bert(nil)).Decode([]int32{4, 5, 6, 7}))
	md := &gguf.Metadata{}
	for k, v := range bert(nil) {
		md.Set("tokenizer.ggml."+k, v)
	}
	md.Delete("tokenizer.ggml.unknown_token_id")
	_, err := tokenizer.New(md)
	require.ErrorContains(t, err, "unknown_token_id")
}

func t5(extra map[string]any) map[string]any {
	kvs := map[string]any{
		"model":            "t5",
		"tokens":           []string{"<pad>", "</s>", "<unk>", "▁", "▁a", "b", "ab", "▁ab", "c", "<extra>"},
		"scores":           []float32{0, 0, 0, -3, -2, -2, -5, -4.5, -3, 0},
		"token_type":       []int32{3, 3, 2, 1, 1, 1, 1, 1, 1, 4},
		"add_space_prefix": true, "remove_extra_whitespaces": true,
	}
	for k, v := range extra {
		kvs[k] = v
	}
	return kvs
}

func TestUnigram(t *testing.T) {
	for _, c := range []struct {
		kvs  map[string]any
		text string
		want []int32
	}{
		{t5(nil), "ab", []int32{4, 5}}, // -4 is more than -4.5
		{t5(nil), "  ab   c ", []int32{4, 5, 3, 8}},
		{t5(nil), "axyb", []int32{4, 2, 5}}, // unknown ones together
		{t5(nil), "x y", []int32{3, 2, 3, 2}},
		{t5(nil), "a<extra>ab", []int32{4, 9, 4, 5}},
		{t5(nil), "", nil},
		{t5(map[string]any{"remove_extra_whitespaces": false}), " a  b ", []int32{3, 4, 3, 3, 5, 3}},
		{t5(map[string]any{"add_space_prefix": false}), "ab ab", []int32{6, 4, 5}},
		{t5(map[string]any{"precompiled_charsmap": charsmap(map[string]string{"ａ": "a", "ﬁ": "b c", "a\u0301": "ab", "\u200b": ""})}),
			"ａ\u200bb ﬁ a\u0301", []int32{4, 5, 3, 5, 3, 8, 4, 5}},
		// A token that reaches over a space: words cannot be cut by themselves.
		{t5(map[string]any{"tokens": []string{"<pad>", "</s>", "<unk>", "▁", "▁a", "b", "ab", "a▁b", "c", "<extra>"}}), "ca b", []int32{3, 8, 7}},
	} {
		tok := newTokenizer(t, c.kvs)
		ids, err := tok.Encode(c.text, false, false)
		require.NoError(t, err)
		require.Equal(t, c.want, ids, c.text)
		ids, err = tok.Encode(c.text, true, false)
		require.NoError(t, err)
		require.Equal(t, append(c.want, 1), ids, "texts end with EOS")
	}
	require.Equal(t, "ab c", newTokenizer(t, t5(nil)).Decode([]int32{4, 5, 3, 8}))
}

// Where bytes are tokens, they are what unknown characters become.
func TestUnigramBytes(t *testing.T) {
	kvs := t5(nil)
	tokens, scores, types := kvs["tokens"].([]string), kvs["scores"].([]float32), kvs["token_type"].([]int32)
	for b := range 256 {
		const hex = "0123456789ABCDEF"
		tokens = append(tokens, "<0x"+string(hex[b>>4])+string(hex[b&15])+">")
		scores, types = append(scores, 0), append(types, 6)
	}
	kvs["tokens"], kvs["scores"], kvs["token_type"] = tokens, scores, types
	tok := newTokenizer(t, kvs)
	ids, err := tok.Encode("aé", false, false)
	require.NoError(t, err)
	require.Equal(t, []int32{4, 10 + 0xc3, 10 + 0xa9}, ids)
	require.Equal(t, "aé", tok.Decode(ids))
}

func TestBadCharsmap(t *testing.T) {
	good := charsmap(map[string]string{"x": "y"})
	for _, b := range [][]byte{{1}, {8, 0, 0, 0, 1}, good[:len(good)-1], {4, 0, 0, 0, 1, 2, 3, 4, 5}} {
		md := &gguf.Metadata{}
		for k, v := range t5(map[string]any{"precompiled_charsmap": b}) {
			md.Set("tokenizer.ggml."+k, v)
		}
		_, err := tokenizer.New(md)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, "precompiled_charsmap")
	}
}

// charsmap builds a map as SentencePiece does: a node's children, and its value, are where all of them fit.
func charsmap(with map[string]string) []byte {
	units := make([]uint32, 1<<14)
	var texts []byte
	free := 0
	var place func(at int, prefix string)
	place = func(at int, prefix string) {
		var next []byte
		value, ends := with[prefix]
		for k := range with {
			if len(k) > len(prefix) && k[:len(prefix)] == prefix && !slices.Contains(next, k[len(prefix)]) {
				next = append(next, k[len(prefix)])
			}
		}
		free += 256
		offset := at ^ free // a block of its own
		units[at] |= uint32(offset) << 10
		base := at ^ offset
		if ends {
			units[at] |= 1 << 8
			units[base] = 1<<31 | uint32(len(texts))
			texts = append(append(texts, value...), 0)
		}
		for _, c := range next {
			units[base^int(c)] |= uint32(c)
		}
		for _, c := range next {
			place(base^int(c), prefix+string([]byte{c}))
		}
	}
	place(0, "")
	out := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		out = binary.LittleEndian.AppendUint32(out, u)
	}
	return append(out, texts...)
}

func TestGemma4(t *testing.T) {
	tok := newTokenizer(t, map[string]any{
		"model":      "gemma4",
		"tokens":     []string{"<unk>", "<bos>", "▁", "a", "b", "▁a", "▁ab", "\n", "\n\n", "<0xC3>", "<0xA9>", "<turn>"},
		"token_type": []int32{2, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6, 3}, "merges": []string{"▁ a", "▁a b"}, "bos_token_id": uint32(1),
		"add_bos_token": false,
	})
	for text, want := range map[string][]int32{
		"a ab":       {1, 3, 6},
		" a\n\nb\n":  {1, 5, 8, 4, 7},
		"é":          {1, 9, 10},
		"<turn>a  a": {1, 11, 3, 2, 5},
	} {
		ids, err := tok.Encode(text, true, true)
		require.NoError(t, err)
		require.Equal(t, want, ids, text)
		require.Equal(t, "<bos>"+text, tok.Decode(ids))
	}
	_, err := tok.Encode("ü", false, false)
	require.ErrorContains(t, err, "byte 0xBC")
}

// Characters are joined, and white space is dropped.
func TestWhitespace(t *testing.T) {
	kvs := map[string]any{
		"model": "whitespace", "pre": "whitespace",
		"tokens": []string{"<unk>", "天", "气", "天气", "a", "A"}, "token_type": []int32{2, 1, 1, 1, 1, 1},
		"merges": []string{"天 气"}, "unknown_token_id": uint32(0),
	}
	ids, err := newTokenizer(t, kvs).Encode("天气 A\n天x", false, false)
	require.NoError(t, err)
	require.Equal(t, []int32{3, 5, 1, 0}, ids)
	kvs["normalizer.lowercase"] = true
	ids, err = newTokenizer(t, kvs).Encode("A", false, false)
	require.NoError(t, err)
	require.Equal(t, []int32{4}, ids)
}

// A mark for a gap takes the white space before it.
func TestStripsBefore(t *testing.T) {
	tok := newTokenizer(t, map[string]any{
		"model": "gpt2", "pre": "modern-bert", "tokens": []string{"[MASK]", "a", "Ġ", "[X]"}, "token_type": []int32{3, 1, 1, 3}, "merges": []string{},
	})
	ids, err := tok.Encode("a \t[MASK] a [X]", false, true)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0, 2, 1, 2, 3}, ids)
}

// Long words are joined as short ones are.
func TestLongWords(t *testing.T) {
	merges := []string{"a b", "ab ab", "abab abab", "b a"}
	tok := newTokenizer(t, map[string]any{
		"model": "gpt2", "pre": "gpt-2", "tokens": []string{"a", "b", "ab", "abab", "abababab", "ba"}, "merges": merges,
	})
	long := slices.Repeat([]byte("ab"), 100)
	ids, err := tok.Encode(string(long), false, false)
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]int32{4}, 25), ids)
	ids, err = tok.Encode("b"+string(long), false, false)
	require.NoError(t, err)
	require.Equal(t, append([]int32{1}, slices.Repeat([]int32{4}, 25)...), ids)
	ids, err = tok.Encode("b"+string(long[:20]), false, false)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 4, 4, 3}, ids)
}
