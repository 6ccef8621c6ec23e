package eval

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// pairs is a tokenizer whose tokens are two letters of a to h.
type pairs struct{}

func (pairs) Encode(text string, _, _ bool) (ids []int32, _ error) {
	if len(text)%2 != 0 {
		return nil, errors.New("an odd letter")
	}
	for i := 0; i < len(text); i += 2 {
		ids = append(ids, int32(text[i]-'a')*8+int32(text[i+1]-'a'))
	}
	return ids, nil
}
func (pairs) Piece(id int32) []byte { return []byte{byte('a' + id/8), byte('a' + id%8)} }
func (pairs) BOS() (int32, bool)    { return 0, false }
func (pairs) AddBOS() bool          { return false }

// slope predicts by pairs of ids: the logit of next after cur is scale times their sum mod 5. 0 is uniform.
type slope struct {
	vocab int
	scale float64
}

func (slope) Reset() {}
func (s slope) Forward(ids []int32, from int, logits []float32) error {
	for i := range logits {
		logits[i] = float32(s.logit(int(ids[from+i/s.vocab]), i%s.vocab))
	}
	return nil
}
func (s slope) logit(cur, next int) float64 { return s.scale * float64((cur+next)%5) }
func (s slope) nll(cur, next int) float64 {
	var sum float64
	for k := range s.vocab {
		sum += math.Exp(s.logit(cur, k))
	}
	return math.Log(sum) - s.logit(cur, next)
}

// overBytes runs a model of letters and one of pairs over the text.
func overBytes(t *testing.T, text string, ctx int, scale float64, addBOS bool) []*Series {
	t.Helper()
	c := []Candidate{{"letters", slope{8, scale}, 8, words{addBOS}}, {"pairs", slope{64, scale}, 64, pairs{}}}
	corpora, err := NewCorpora([]Text{NewText("x", "x.txt", text)}, []Tokenizer{c[0].Tokenizer, c[1].Tokenizer}, Options{Context: ctx})
	require.NoError(t, err)
	r := Run{Corpus: corpora[0], Corpora: corpora, Candidates: c}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	return s
}

func TestSameBytesByHand(t *testing.T) {
	s := overBytes(t, sample, 8, 0.25, false) // 32 letters in chunks of 8, of which letters 4 to 7 are scored
	for i, m := range []slope{{8, 0.25}, {64, 0.25}} {
		var total float64
		require.Len(t, s[i].Chunks, 4)
		for k, c := range s[i].Chunks {
			text := sample[8*k:]
			var want float64
			if i == 0 {
				for at := 4; at < 8; at++ {
					want += m.nll(int(text[at-1]-'a'), int(text[at]-'a'))
				}
			} else {
				pair := func(at int) int { return int(text[at]-'a')*8 + int(text[at+1]-'a') }
				want = m.nll(pair(2), pair(4)) + m.nll(pair(4), pair(6))
			}
			require.InDelta(t, want, c.NLL, 1e-6)
			require.Equal(t, 4, c.Bytes)
			require.Equal(t, []int{4, 2}[i], c.Tokens)
			total += want
		}
		require.InDelta(t, total/16/math.Ln2, s[i].Metrics(All).BitsPerByte.Value, 1e-6)
	}
}

// A model that gives every letter 1 of 8 says the same of the text by letters and by pairs: 3 bits a byte.
func TestSameProbabilityIsNoDifference(t *testing.T) {
	s := overBytes(t, prose(400, 1), 16, 0, true)
	for _, x := range s {
		require.InDelta(t, 3, x.Metrics(All).BitsPerByte.Value, 1e-12)
	}
	require.NotEqual(t, s[0].Metrics(All).Perplexity.Value, s[1].Metrics(All).Perplexity.Value)
	l, ok, err := Relative("bits_per_byte", s[0], s[1], All, true)
	require.NoError(t, err)
	require.True(t, ok)
	require.InDelta(t, 0, l.Estimate(), 1e-12)
}

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
func (pieces) BOS() (int32, bool)      { return 0, true }
func (p pieces) AddBOS() bool          { return p.bos }

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
	for i := range corpora[0].windows {
		var seen, scored string
		most := 0
		for k, tok := range toks {
			w := corpora[k].windows[i]
			ids := w.ids
			if tok.AddBOS() {
				require.Zero(t, ids[0], "the beginning-of-text token comes first")
				ids = ids[1:]
			}
			all, last := spell(tok, ids), spell(tok, w.ids[w.first+1:])
			if k == 0 {
				seen, scored = all, last
			}
			require.Equal(t, seen, all)
			require.Equal(t, scored, last)
			require.Equal(t, len(last), w.bytes)
			require.Equal(t, corpora[0].windows[i].slice, w.slice)
			most = max(most, len(w.ids))
		}
		require.LessOrEqual(t, most, 48)
		require.Greater(t, most, 36, "chunks are as long as they can be")
		require.InDelta(t, len(seen)/2, len(scored), 12, "the second half is scored")
		slice := corpora[0].windows[i].slice
		require.Equal(t, seen, corpora[0].Texts[slice].Data[end[slice]:][:len(seen)], "chunks are side by side")
		end[slice] += len(seen)
	}
}

// Of models with the same tokenizer the chunks are those of NewCorpus.
func TestSameBytesOfSameTokens(t *testing.T) {
	text := []Text{NewText("x", "x.txt", prose(100, 1)), NewText("y", "y.txt", prose(64, 2))}
	corpora, err := NewCorpora(text, []Tokenizer{words{}, words{}}, Options{Context: 16, Chunks: 8})
	require.NoError(t, err)
	want, err := NewCorpus(text, words{}, Options{Context: 16, Chunks: 8})
	require.NoError(t, err)
	require.Equal(t, want.Chunks, corpora[1].Chunks)
	for i, w := range want.windows {
		require.Equal(t, w.ids, corpora[1].windows[i].ids)
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
func (spelling) BOS() (int32, bool)      { return 0, false }
func (spelling) AddBOS() bool            { return false }

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
	text := []Text{NewText("x", "x.txt", prose(100, 1))}
	for want, f := range map[string]func() error{
		"--stride counts tokens": func() error {
			_, err := NewCorpora(text, []Tokenizer{words{}, pairs{}}, Options{Context: 16, Stride: 4})
			return err
		},
		"has 1 chunks of up to 64 tokens that": func() error {
			_, err := NewCorpora(text, []Tokenizer{words{}, pairs{}}, Options{Context: 64})
			return err
		},
		"has 0 chunks of up to 16 tokens": func() error {
			whole := spelling{text[0].Data}
			_, err := NewCorpora(text, []Tokenizer{words{}, whole}, Options{Context: 16})
			return err
		},
	} {
		err := f()
		require.ErrorIs(t, err, gguf.ErrInput, want)
		require.ErrorContains(t, err, want)
	}
	_, err := NewCorpora(text, []Tokenizer{words{}, spelling{"x"}}, Options{Context: 16})
	var fault *ModelError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Candidate)
	require.ErrorIs(t, err, ErrTokenizers)
}

func TestFaultsAreOfTheModelThatHasThem(t *testing.T) {
	toks := []Tokenizer{words{}, pairs{}}
	corpora, err := NewCorpora([]Text{NewText("x", "x", prose(100, 1))}, toks, Options{Context: 16})
	require.NoError(t, err)
	c := []Candidate{{"letters", slope{8, 0.1}, 8, toks[0]}, {"pairs", &failing{slope{64, 0.1}, 3}, 64, toks[1]}}
	r := Run{Corpus: corpora[0], Corpora: corpora, Candidates: c}
	_, err = r.Do(context.Background())
	var fault *ModelError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Candidate)
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
