package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/text/texttest"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// pieces is a tokenizer that cuts text before spaces, and after bytes as a hash of the word until there says.
type pieces struct {
	seed, every uint32
	bos         bool
	known       *[]string
}

func newPieces(seed, every uint32, bos bool) pieces {
	return pieces{seed, every, bos, &[]string{"<s>"}}
}

func (p pieces) Encode(text string, _, _ bool) (ids []int32, _ error) {
	start, h := 0, p.seed
	for i := range len(text) {
		space := i+1 == len(text) || text[i+1] == ' '
		if h = (h ^ uint32(text[i])) * 16777619; h>>16%p.every == 0 || space {
			*p.known = append(*p.known, text[start:i+1])
			ids = append(ids, int32(len(*p.known)-1))
			start = i + 1
		}
		if space {
			h = p.seed
		}
	}
	return ids, nil
}

func (p pieces) Piece(id int32) []byte { return []byte((*p.known)[id]) }

func (pieces) BOS() (int32, bool) { return 0, true }

func (p pieces) AddBOS() bool { return p.bos }

func TestAllModelsSeeTheSameBytes(t *testing.T) {
	text := strings.Repeat("Übung macht den Meister, 日本語も。 ", 60)
	toks := []Tokenizer{newPieces(1, 2, true), newPieces(2, 3, false), newPieces(3, 2, true)}
	spell := func(tok Tokenizer, ids []int32) string {
		var b strings.Builder
		for _, id := range ids {
			b.Write(tok.Piece(id))
		}
		return b.String()
	}
	corpora, err := NewCorpora([]Text{NewText("x", "x.txt", text), NewText("y", "y.txt", "x"+text[:1000])}, toks, Options{Context: 48})
	require.NoError(t, err)
	require.Greater(t, corpora[0].Len(), 10)
	end := []int{0, 0}
	for i := range corpora[0].Windows {
		var seen, scored string
		most := 0
		for k, tok := range toks {
			w := corpora[k].Windows[i]
			ids := w.IDs
			if tok.AddBOS() {
				require.Zero(t, ids[0], "the beginning-of-text token comes first")
				ids = ids[1:]
			}
			all, last := spell(tok, ids), spell(tok, w.IDs[w.First+1:])
			if k == 0 {
				seen, scored = all, last
			}
			require.Equal(t, seen, all)
			require.Equal(t, scored, last)
			require.Equal(t, len(last), w.Bytes)
			require.Equal(t, corpora[0].Windows[i].Slice, w.Slice)
			most = max(most, len(w.IDs))
		}
		require.LessOrEqual(t, most, 48)
		require.Greater(t, most, 36, "chunks are as long as they can be")
		require.InDelta(t, len(seen)/2, len(scored), 12, "the second half is scored")
		slice := corpora[0].Windows[i].Slice
		require.Equal(t, seen, corpora[0].Texts[slice].Data[end[slice]:][:len(seen)], "chunks are side by side")
		end[slice] += len(seen)
	}
}

// Of models with the same tokenizer the chunks are those of NewCorpus.
func TestSameBytesOfSameTokens(t *testing.T) {
	text := []Text{NewText("x", "x.txt", texttest.Prose(100, 1)), NewText("y", "y.txt", texttest.Prose(64, 2))}
	corpora, err := NewCorpora(text, []Tokenizer{texttest.Letters{}, texttest.Letters{}}, Options{Context: 16, Chunks: 8})
	require.NoError(t, err)
	want, err := NewCorpus(text, texttest.Letters{}, Options{Context: 16, Chunks: 8})
	require.NoError(t, err)
	require.Equal(t, want.Chunks, corpora[1].Chunks)
	for i, w := range want.Windows {
		require.Equal(t, w.IDs, corpora[1].Windows[i].IDs)
	}
}

// A passage in which the tokenizers have no bounds in common is left out.
func TestNothingInCommon(t *testing.T) {
	one := &reading{}
	for i := range 31 {
		one.at = append(one.at, i)
	}
	two := &reading{at: []int{0, 2, 4, 6, 8, 20, 22, 24, 26, 28, 30}}
	require.Equal(t, []span{{0, 4, 8}, {20, 24, 28}}, sameBytes([]*reading{one, two}, 8))
	two.at = []int{0, 30}
	require.Empty(t, sameBytes([]*reading{one, two}, 8))
}

// spelling is a tokenizer that always gives the same pieces.
type spelling []string

func (s spelling) Encode(string, bool, bool) (ids []int32, _ error) {
	for i := range s {
		ids = append(ids, int32(i))
	}
	return ids, nil
}

func (s spelling) Piece(id int32) []byte { return []byte(s[id]) }

func (spelling) BOS() (int32, bool) { return 0, false }

func (spelling) AddBOS() bool { return false }

func TestBytesOfTokens(t *testing.T) {
	for text, c := range map[string]struct {
		pieces spelling
		at     []int
	}{
		"ab c":  {spelling{"ab", " c"}, []int{0, 2, 4}},
		"ab  c": {spelling{" ab", "  c"}, []int{0, 2, 5}}, // a space in front
		"é":     {spelling{" ", "\xc3", "\xa9"}, []int{0, 0, 1, 2}},
		" é":    {spelling{" ", " é"}, []int{0, 1, 3}},
		"a▁▁b":  {spelling{" a", "  ", "b"}, []int{0, 1, 7, 8}}, // SentencePiece's own space
		"a<x>b": {spelling{" a", "<x>", " b"}, []int{0, 1, 4, 5}},
	} {
		r, err := read(text, c.pieces)
		require.NoError(t, err, text)
		require.Equal(t, c.at, r.at, text)
	}
	for text, pieces := range map[string]spelling{"abc": {"a", "c"}, "ab": {"a"}, "a": {"a", "b"}} {
		_, err := read(text, pieces)
		require.ErrorContains(t, err, "reproduces the text")
	}
}

func TestSameBytesRefusals(t *testing.T) {
	text := []Text{NewText("x", "x.txt", texttest.Prose(100, 1))}
	for want, f := range map[string]func() error{
		"--stride counts tokens": func() error {
			_, err := NewCorpora(text, []Tokenizer{texttest.Letters{}, texttest.Pairs{}}, Options{Context: 16, Stride: 4})
			return err
		},
		"has 1 chunks of up to 64 tokens that": func() error {
			_, err := NewCorpora(text, []Tokenizer{texttest.Letters{}, texttest.Pairs{}}, Options{Context: 64})
			return err
		},
		"has 0 chunks of up to 16 tokens": func() error {
			whole := spelling{text[0].Data}
			_, err := NewCorpora(text, []Tokenizer{texttest.Letters{}, whole}, Options{Context: 16})
			return err
		},
	} {
		err := f()
		require.ErrorIs(t, err, gguf.ErrInput, want)
		require.ErrorContains(t, err, want)
	}
	_, err := NewCorpora(text, []Tokenizer{texttest.Letters{}, spelling{"x"}}, Options{Context: 16})
	var fault *TokenizerError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Index)
	require.ErrorIs(t, err, ErrTokenizers)
}

// TestGoldenBytesOfTokens: the bytes of all tokens are the text's, with real tokenizers.
func TestGoldenBytesOfTokens(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(golden, "tokenizers", "ggml-vocab-*.gguf"))
	require.NoError(t, err)
	matched, of := 0, 0
	for _, file := range files {
		f, err := gguf.Open(file)
		require.NoError(t, err)
		tok, err := tokenizer.New(f.Metadata())
		require.NoError(t, err)
		require.NoError(t, f.Close())
		if strings.Contains(file, "bert") { // WordPiece lowers letters and drops white space
			_, err := read("Hello  World", tok)
			require.ErrorContains(t, err, "bits per byte need a tokenizer that reproduces the text")
			continue
		}
		in, err := os.ReadFile(file + ".inp")
		require.NoError(t, err)
		texts := append(strings.Split(string(in), "\n__ggml_vocab_test__\n"), string(in))
		for _, text := range texts {
			of++
			if _, err := read(norm.NFC.String(text), tok); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(file), text, err)
				continue
			}
			matched++
		}
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}
