package eval

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/logits"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// prose is n letters from a fixed sequence.
func prose(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for range n {
		b.WriteByte('a' + byte(r.IntN(8)))
	}
	return b.String()
}

// twoTexts is a corpus of two slices of unequal length.
func twoTexts(t *testing.T) *Corpus {
	t.Helper()
	c, err := NewCorpus([]Text{NewText("long", "long.txt", prose(200, 1)), NewText("short", "short.txt", prose(40, 2))}, words{true}, Options{Context: 16})
	require.NoError(t, err)
	return c
}

func TestSlicesComeInTurn(t *testing.T) {
	c := twoTexts(t)
	require.Equal(t, []int{12, 2}, c.Chunks)
	var order []int
	for _, w := range c.windows {
		order = append(order, w.slice)
	}
	require.Equal(t, []int{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, order)
	require.Equal(t, 14*7, c.ScoredTokens(99))
}

func TestSliceFiguresAddUp(t *testing.T) {
	c := twoTexts(t)
	r := Run{Corpus: c, Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{letters(ramp(0.2), true)}}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	all, long, short := s[0].Metrics(All), s[0].Metrics(0), s[0].Metrics(1)
	n, a, b := float64(all.Perplexity.Tokens), float64(long.Perplexity.Tokens), float64(short.Perplexity.Tokens)
	require.Equal(t, n, a+b)
	require.InDelta(t, all.Divergence.Mean, (a*long.Divergence.Mean+b*short.Divergence.Mean)/n, 1e-12)
	require.InDelta(t, all.SameTop.Value, (a*long.SameTop.Value+b*short.SameTop.Value)/n, 1e-12)
	// A letter is a byte is a token here.
	require.InDelta(t, all.BitsPerByte.Value, log2(all.Perplexity.Value), 1e-12)
}

func TestResultsDoNotDependOnThreads(t *testing.T) {
	run := func(threads int) []*Series {
		r := Run{Corpus: twoTexts(t), Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{letters(ramp(0.2), true), letters(ramp(0.4), true)}, Threads: threads}
		s, err := r.Do(context.Background())
		require.NoError(t, err)
		return s
	}
	one := run(1)
	require.Equal(t, one, run(3))
	require.Equal(t, one, run(8))
}

// failing breaks after some calls, as an interruption would.
type failing struct {
	Session
	calls int
}

var errBroken = errors.New("broken off")

func (f *failing) Forward(ids []int32, from int, logits []float32) error {
	if f.calls--; f.calls < 0 {
		return errBroken
	}
	return f.Session.Forward(ids, from, logits)
}

func TestGoingOnGivesTheSame(t *testing.T) {
	corpus := twoTexts(t)
	run := func(c Candidate, done []*Series) ([]*Series, error) {
		r := Run{Corpus: corpus, Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{c}, Done: done}
		return r.Do(context.Background())
	}
	whole, err := run(letters(ramp(0.2), true), nil)
	require.NoError(t, err)
	broken := letters(ramp(0.2), true)
	broken.Session = &failing{broken.Session, 11}
	part, err := run(broken, nil)
	require.ErrorIs(t, err, errBroken)
	require.Len(t, part[0].Chunks, 5, "whole chunks only")

	// Through JSON, as a report keeps them.
	b, err := json.Marshal(part)
	require.NoError(t, err)
	var kept []*Series
	require.NoError(t, json.Unmarshal(b, &kept))
	rest, err := run(letters(ramp(0.2), true), kept)
	require.NoError(t, err)
	require.Equal(t, whole, rest)
}

func TestMaxTokensAreWholeChunks(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}, MaxTokens: 15}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Len(t, s[0].Chunks, 3) // of 7 tokens
}

func TestStopsWhenNarrow(t *testing.T) {
	corpus, err := NewCorpus([]Text{NewText("x", "x", prose(2000, 3))}, words{true}, Options{Context: 16})
	require.NoError(t, err)
	r := Run{Corpus: corpus, Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{letters(ramp(0.2), true)}}
	r.Stop = func(s []*Series) bool { return Narrow(s, "kld.mean", 0.2) }
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Less(t, len(s[0].Chunks), corpus.Len())
	require.Contains(t, []int{16, 23, 32, 45, 64, 91}, len(s[0].Chunks))
	l, err := s[0].Limits("kld.mean", All)
	require.NoError(t, err)
	require.LessOrEqual(t, l.Upper(0.025), 1.2*l.Estimate())
}

// A run that had stopped does not go on when it is resumed.
func TestStoppedStaysStopped(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}}
	r.Stop = func(s []*Series) bool { return len(s[0].Chunks) >= 4 }
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	r.Done = s
	again, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Equal(t, s, again)
	require.Len(t, again[0].Chunks, 4)
}

func TestChunksFor(t *testing.T) {
	c := twoTexts(t) // 14 chunks of 7 scored tokens
	for tokens, want := range map[int]int{0: 14, 1: 1, 7: 1, 8: 2, 97: 14, 98: 14, 1000: 14} {
		require.Equal(t, want, c.ChunksFor(tokens), tokens)
	}
}

func TestHolds(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.NoError(t, r.Corpus.Holds(s[0].Chunks))
	few, err := NewCorpus(r.Corpus.Texts, words{true}, Options{Context: 16, Chunks: 3})
	require.NoError(t, err)
	require.NoError(t, few.Holds(s[0].Chunks[:3]))
	require.ErrorContains(t, few.Holds(s[0].Chunks), "14 chunks were measured, but the texts have 3")
	other, err := NewCorpus(r.Corpus.Texts[:1], words{true}, Options{Context: 16})
	require.NoError(t, err)
	require.ErrorContains(t, other.Holds(s[0].Chunks[:3]), "chunk 2")
}

// A limit takes the first windows of each text.
func TestLimitsTakeTheFirst(t *testing.T) {
	texts := []Text{NewText("x", "x", prose(200, 1)), NewText("y", "y", prose(200, 2))}
	all, err := NewCorpus(texts, words{true}, Options{Context: 16, Stride: 3})
	require.NoError(t, err)
	few, err := NewCorpus(texts, words{true}, Options{Context: 16, Stride: 3, Chunks: 5})
	require.NoError(t, err)
	require.Equal(t, all.windows[:5], few.windows)
	texts[1].Limit = 7
	limited, err := NewCorpus(texts, words{true}, Options{Context: 16, Stride: 3})
	require.NoError(t, err)
	require.Equal(t, 2, limited.Chunks[1], "two windows of three scored tokens")
	require.Equal(t, all.Chunks[0], limited.Chunks[0])
}

func TestStoredPredictionsAreTheLiveOnes(t *testing.T) {
	corpus := twoTexts(t)
	path := filepath.Join(t.TempDir(), "cache")
	w, err := logits.Create(path, corpus.CacheHeader(strings.Repeat("ab", 32), 8, Computation{}))
	require.NoError(t, err)
	run := func(ref Reference, done []*Series) []*Series {
		r := Run{Corpus: corpus, Reference: ref, Candidates: []Candidate{letters(ramp(0.2), true)}, Done: done}
		s, err := r.Do(context.Background())
		require.NoError(t, err)
		return s
	}
	live := run(Record(letters(ramp(0.5), true), w), nil)
	require.NoError(t, w.Close())
	for _, done := range [][]*Series{nil, {{Chunks: live[0].Chunks[:3:3], Paired: true}}} {
		r, err := logits.Open(path)
		require.NoError(t, err)
		ref, err := Cached(r, corpus, corpus.Len())
		require.NoError(t, err)
		got := run(ref, done)
		require.NoError(t, r.Close())
		a, b := live[0].Metrics(All), got[0].Metrics(All)
		require.InDelta(t, a.Divergence.Mean, b.Divergence.Mean, 1e-6, "log-probabilities are float32 there")
		require.Zero(t, b.Divergence.Bound, "8 tokens are kept in full")
		require.Equal(t, a.TopFive.Value, b.TopFive.Value)
		require.InDelta(t, a.Reference.Value, b.Reference.Value, 1e-9)
	}
	r, err := logits.Open(path)
	require.NoError(t, err)
	defer r.Close()
	other, err := NewCorpus([]Text{NewText("x", "x", prose(64, 9))}, words{true}, Options{Context: 16})
	require.NoError(t, err)
	_, err = Cached(r, other, other.Len())
	require.ErrorIs(t, err, gguf.ErrInput)
}

func TestLlamaLogits(t *testing.T) {
	corpus, err := NewCorpus([]Text{NewText("x", "x.txt", prose(100, 4))}, words{true}, Options{Context: 16})
	require.NoError(t, err)
	h, err := corpus.LlamaHeader(8)
	require.NoError(t, err)
	require.NotEqual(t, int32(7), h.Chunks[1][0], "the file holds the text's tokens, not the inserted one")
	path := filepath.Join(t.TempDir(), "logits.bin")
	w, err := logits.CreateLlama(path, h)
	require.NoError(t, err)
	r := Run{Corpus: corpus, Reference: Record(letters(ramp(0.5), true), w), Candidates: []Candidate{letters(ramp(0.2), true)}}
	live, err := r.Do(context.Background())
	require.NoError(t, err)
	require.NoError(t, w.Close())

	in, err := logits.OpenLlama(path)
	require.NoError(t, err)
	defer in.Close()
	again := CorpusOf(in.Header(), words{true}, "logits.bin", "", 0)
	require.Equal(t, corpus.windows, again.windows)
	r = Run{Corpus: again, Reference: FromLlama(in, again), Candidates: []Candidate{letters(ramp(0.2), true)}}
	got, err := r.Do(context.Background())
	require.NoError(t, err)
	require.InDelta(t, live[0].Metrics(All).Divergence.Mean, got[0].Metrics(All).Divergence.Mean, 1e-3)
	_, err = twoTexts(t).LlamaHeader(8)
	require.ErrorIs(t, err, gguf.ErrInput)
}

func TestOtherTokenizersAreRefused(t *testing.T) {
	c := twoTexts(t)
	require.NoError(t, c.SameTokens("m.gguf", words{true}))
	err := c.SameTokens("m.gguf", words{false})
	require.ErrorIs(t, err, ErrTokenizers)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "m.gguf")
}

func TestReadTexts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chats.jsonl")
	fields := JSONL{Text: "text", Slice: "language"}
	write := func(s string) { require.NoError(t, os.WriteFile(path, []byte(s), 0o600)) }

	write(`{"text": "a", "language": "en"}` + "\n\n" + `{"text": "b", "language": "de"}` + "\n" + `{"language": "en", "text": "c"}` + "\n" + `{"text": "d", "language": 3}`)
	got, err := ReadTexts(path, "", fields)
	require.NoError(t, err)
	require.Equal(t, []Text{NewText("en", "chats.jsonl", "a\n\nc"), NewText("de", "chats.jsonl", "b"), NewText("3", "chats.jsonl", "d")}, got)

	write(`{"text": "a"}`)
	got, err = ReadTexts(path, "mine", fields)
	require.NoError(t, err)
	require.Equal(t, "mine", got[0].Name)

	write(`{"text": "a", "language": ""}` + "\n" + `{"text": "b", "language": null}`)
	got, err = ReadTexts(path, "", fields)
	require.NoError(t, err)
	require.Equal(t, []Text{NewText("chats", "chats.jsonl", "a\n\nb")}, got)

	for content, message := range map[string]string{
		"":                                "no documents",
		"{\"text\": \"a\"}\nnot json":     "line 2",
		`{"body": "a"}`:                   `line 1: field "text" is missing`,
		`{"text": null}`:                  `line 1: field "text" is missing or not a string`,
		`{"text": ["a"], "language": ""}`: `line 1: field "text" is missing or not a string`,
	} {
		write(content)
		_, err := ReadTexts(path, "", fields)
		require.ErrorIs(t, err, gguf.ErrInput, content)
		require.ErrorContains(t, err, message)
		require.ErrorContains(t, err, path)
	}
	for _, path := range []string{filepath.Join(dir, "missing.txt"), dir} {
		_, err = ReadTexts(path, "", fields)
		require.ErrorIs(t, err, gguf.ErrInput)
	}
}

func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"text": "a", "slice": "x"}`))
	f.Add([]byte("{\"text\": \"a\", \"slice\": {}}\n[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		texts, err := parseJSONL(b, "x.jsonl", "x", JSONL{"text", "slice"})
		require.Equal(t, err != nil, texts == nil)
	})
}

func TestFloat32sInJSON(t *testing.T) {
	in := ChunkStats{KLDs: Float32s{0, 1.5, 3e-8}}
	b, err := json.Marshal(in)
	require.NoError(t, err)
	var out ChunkStats
	require.NoError(t, json.Unmarshal(b, &out))
	require.Equal(t, in, out)
	require.Error(t, json.Unmarshal([]byte(`{"klds": "AAAA"}`), &out))
	require.Error(t, json.Unmarshal([]byte(`{"klds": "?"}`), &out))
}
