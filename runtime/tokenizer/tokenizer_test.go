package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert/vocab"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
)

// metadata loads a tokenizer folder through convert/vocab.
func metadata(t testing.TB, dir string, o vocab.Options) *gguf.Metadata {
	t.Helper()
	kvs, err := vocab.Load(dir, o)
	require.NoError(t, err)
	md := &gguf.Metadata{}
	for _, kv := range kvs {
		md.Set(kv.Key, kv.Value)
	}
	return md
}

func tiny(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.New(metadata(t, "../../testdata/tiny-llama", vocab.Options{Class: "LlamaForCausalLM", Config: map[string]any{"vocab_size": 2048.0}}))
	require.NoError(t, err)
	return tok
}

func TestByteLevelBPE(t *testing.T) {
	tok := tiny(t)
	bos, ok := tok.BOS()
	require.True(t, ok)
	require.True(t, tok.AddBOS())
	for _, text := range []string{"", " ", "Once upon a time, there was a little girl.", "a\n\n b\tc  ", "naïve 日本 🎉 12345", "don't DON'T", "\xff\xfe broken \xe6\x97"} {
		ids, err := tok.Encode(text, true, false)
		require.NoError(t, err)
		require.Equal(t, bos, ids[0])
		require.Equal(t, text, tok.Decode(ids[1:]))
	}
	ids, err := tok.Encode("<|begin_of_text|>x<|end_of_text|>", false, true)
	require.NoError(t, err)
	require.Equal(t, bos, ids[0])
	require.True(t, tok.IsEOG(ids[len(ids)-1]))
	plain, err := tok.Encode("<|begin_of_text|>x", false, false)
	require.NoError(t, err)
	require.NotContains(t, plain, bos, "control tokens are text unless asked for")
}

// Words that come again have the tokens that they have alone.
func TestWordsComeAgain(t *testing.T) {
	tok := tiny(t)
	var text string
	var want []int32
	for i := range 60 {
		word := []string{" there", " was", " it", " a", " naïvely", " 日本", " girl"}[i*i%7]
		ids, err := tok.Encode(word, false, false)
		require.NoError(t, err)
		text, want = text+word, append(want, ids...)
	}
	got, err := tok.Encode(text, false, false)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestSame(t *testing.T) {
	md := &gguf.Metadata{}
	md.Set("tokenizer.ggml.model", "llama")
	md.Set("tokenizer.ggml.tokens", []string{"<unk>", "<|end|>", "a", "b", "ab"})
	md.Set("tokenizer.ggml.scores", []float32{0, 0, -5, -5, -1})
	md.Set("tokenizer.ggml.token_type", []int32{2, 3, 1, 1, 1})
	made := func(key string, value any) *tokenizer.Tokenizer {
		other := md.Clone()
		other.Set(key, value)
		tok, err := tokenizer.New(other)
		require.NoError(t, err)
		return tok
	}
	tok := made("general.name", "one")
	for _, c := range []struct {
		key   string
		value any
		want  bool
	}{
		{"general.name", "another", true},
		{"tokenizer.chat_template", "x", true},
		{"general.name", "Phi-3", false}, // whose special tokens take white space with them
		{"tokenizer.ggml.tokens", []string{"<unk>", "<|end|>", "a", "b", "aa"}, false},
		{"tokenizer.ggml.scores", []float32{0, 0, -5, -5, -9}, false},
		{"tokenizer.ggml.token_type", []int32{2, 3, 1, 1, 4}, false},
		{"tokenizer.ggml.add_bos_token", false, false},
		{"tokenizer.ggml.add_space_prefix", false, false},
	} {
		require.Equal(t, c.want, tok.Same(made(c.key, c.value)), "%s: %v", c.key, c.value)
		require.Equal(t, c.want, made(c.key, c.value).Same(tok), "%s: %v", c.key, c.value)
	}
	require.False(t, tok.Same(nil))
}

func TestSPM(t *testing.T) {
	md := &gguf.Metadata{}
	tokens := []string{"<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁ab", "<0xC3>", "<0xA9>", "<x>"}
	md.Set("tokenizer.ggml.model", "llama")
	md.Set("tokenizer.ggml.tokens", tokens)
	md.Set("tokenizer.ggml.scores", []float32{0, 0, 0, -5, -5, -5, -1, -2, 0, 0, 0})
	md.Set("tokenizer.ggml.token_type", []int32{2, 3, 3, 1, 1, 1, 1, 1, 6, 6, 4})
	md.Set("tokenizer.ggml.bos_token_id", uint32(1))
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	for text, want := range map[string][]int32{
		"ab":      {1, 7},
		"ab ab":   {1, 7, 7},
		"bé":      {1, 3, 5, 8, 9},
		"ab<x>ab": {1, 7, 10, 7},
		"":        {1},
	} {
		ids, err := tok.Encode(text, true, false)
		require.NoError(t, err)
		require.Equal(t, want, ids, text)
	}
	require.Equal(t, "ab é", tok.Decode([]int32{7, 3, 8, 9}))
}

func TestBadMetadata(t *testing.T) {
	md := &gguf.Metadata{}
	_, err := tokenizer.New(md)
	require.ErrorIs(t, err, gguf.ErrInput)
	md.Set("tokenizer.ggml.tokens", []string{"a"})
	md.Set("tokenizer.ggml.model", "gpt2")
	md.Set("tokenizer.ggml.pre", "nobody-knows")
	_, err = tokenizer.New(md)
	require.ErrorContains(t, err, `"nobody-knows"`)
	md.Set("tokenizer.ggml.pre", "gpt-2")
	md.Set("tokenizer.ggml.merges", []string{"ab"})
	_, err = tokenizer.New(md)
	require.ErrorIs(t, err, gguf.ErrInput)
	md.Set("tokenizer.ggml.model", "llama")
	md.Set("tokenizer.ggml.tokens", []string{"a", "b", "c"})
	md.Set("tokenizer.ggml.scores", []float32{0})
	_, err = tokenizer.New(md)
	require.ErrorContains(t, err, "scores has 1 entries for 3 tokens")
}

func FuzzRoundTrip(f *testing.F) {
	tok := tiny(f)
	f.Add("Hello world")
	f.Add("\xff\x00 �")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text, false, false)
		require.NoError(t, err)
		require.Equal(t, text, tok.Decode(ids))
	})
}

// TestGoldenIDs compares with Hugging Face's tokenizers on real vocabularies.
func TestGoldenIDs(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(golden, "tokenizers", "*", "ids.json"))
	require.NoError(t, err)
	matched, of, spelt := 0, 0, 0
	for _, file := range files {
		dir := filepath.Dir(file)
		var info struct {
			Class     string
			VocabSize float64 `json:"vocab_size"`
		}
		read(t, filepath.Join(dir, "gguf.json"), &info)
		folder := unpack(t, dir)
		if folder == "" {
			t.Logf("%s: no xz to unpack it", dir)
			continue
		}
		tok, err := tokenizer.New(metadata(t, folder, vocab.Options{Class: info.Class, Config: map[string]any{"vocab_size": info.VocabSize}}))
		require.NoError(t, err, dir)
		type textIDs struct {
			Text string
			IDs  []int32
		}
		var want struct {
			Cases       []textIDs
			WithSpecial []textIDs `json:"with_special"`
		}
		read(t, file, &want)
		n := 0
		for i, c := range slices.Concat(want.Cases, want.WithSpecial) {
			ids, err := tok.Encode(c.Text, i >= len(want.Cases), true)
			require.NoError(t, err)
			of++
			if spells(t, tok, c.Text) {
				spelt++
			}
			if slices.Equal(ids, c.IDs) {
				matched++
				n++
			} else {
				t.Errorf("%s: %q: %v, want %v", filepath.Base(dir), c.Text, ids, c.IDs)
			}
		}
		t.Logf("%s: %d of %d, of which %d with special tokens", filepath.Base(dir), n, len(want.Cases)+len(want.WithSpecial), len(want.WithSpecial))
	}
	t.Logf("matched %d of %d; tokens spell %d of %d texts", matched, of, spelt, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

// TestGoldenGGUF compares with llama.cpp's own vocabulary files.
func TestGoldenGGUF(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(golden, "tokenizers", "ggml-vocab-*.gguf"))
	require.NoError(t, err)
	matched, of, spelt := 0, 0, 0
	for _, file := range files {
		f, err := gguf.Open(file)
		require.NoError(t, err)
		tok, err := tokenizer.New(f.Metadata())
		require.NoError(t, err)
		in, err := os.ReadFile(file + ".inp")
		require.NoError(t, err)
		out, err := os.ReadFile(file + ".out")
		require.NoError(t, err)
		lines := strings.Split(string(out), "\n")
		for i, text := range strings.Split(string(in), "\n__ggml_vocab_test__\n") {
			of++
			if spells(t, tok, text) {
				spelt++
			}
			ids, err := tok.Encode(text, false, false)
			require.NoError(t, err)
			var want []int32
			require.NoError(t, json.Unmarshal([]byte("["+strings.Join(strings.Fields(lines[i]), ",")+"]"), &want))
			if slices.Equal(ids, want) {
				matched++
			} else {
				t.Errorf("%s: %q: %v, want %v", filepath.Base(file), text, ids, want)
			}
		}
		require.NoError(t, f.Close())
	}
	t.Logf("matched %d of %d; tokens spell %d of %d texts", matched, of, spelt, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

// spells reports whether the bytes of the tokens are those of the text, where the model keeps them.
func spells(t *testing.T, tok *tokenizer.Tokenizer, text string) bool {
	t.Helper()
	want, kept := tok.Spelt(text)
	if !kept {
		return true
	}
	ids, err := tok.Encode(text, false, false)
	require.NoError(t, err)
	var got []byte
	for _, id := range ids {
		got = append(got, tok.Piece(id)...)
	}
	if string(got) != want {
		t.Errorf("tokens of %q spell %q", want, got)
		return false
	}
	return true
}

func read(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

// unpack makes a folder with the tokenizer's files as published, or returns "" without xz.
func unpack(t *testing.T, dir string) string {
	t.Helper()
	xz, err := exec.LookPath("xz")
	if err != nil {
		return ""
	}
	out := t.TempDir()
	cmd := exec.Command(xz, "-dc", filepath.Join(dir, "tokenizer.json.xz"))
	var b bytes.Buffer
	cmd.Stdout = &b
	require.NoError(t, cmd.Run())
	require.NoError(t, os.WriteFile(filepath.Join(out, "tokenizer.json"), b.Bytes(), 0o600))
	c, err := os.ReadFile(filepath.Join(dir, "tokenizer_config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(out, "tokenizer_config.json"), c, 0o600))
	return out
}
