package run

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/logits"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/eval/text/texttest"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// twoTexts is a corpus of two slices of unequal length.
func twoTexts(t *testing.T) *text.Corpus {
	t.Helper()
	c, err := text.NewCorpus([]text.Text{text.NewText("long", "long.txt", texttest.Prose(200, 1)), text.NewText("short", "short.txt", texttest.Prose(40, 2))}, texttest.Letters{AddsBOS: true}, text.Options{Context: 16})
	require.NoError(t, err)
	return c
}

func TestSliceFiguresAddUp(t *testing.T) {
	c := twoTexts(t)
	r := Run{Corpus: c, Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{letters(ramp(0.2), true)}}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	all, long, short := s[0].Metrics(figure.All), s[0].Metrics(0), s[0].Metrics(1)
	n, a, b := float64(all.Perplexity.Tokens), float64(long.Perplexity.Tokens), float64(short.Perplexity.Tokens)
	require.Equal(t, n, a+b)
	require.InDelta(t, all.Divergence.Mean, (a*long.Divergence.Mean+b*short.Divergence.Mean)/n, 1e-12)
	require.InDelta(t, all.SameTop.Value, (a*long.SameTop.Value+b*short.SameTop.Value)/n, 1e-12)
	// A letter is a byte is a token here.
	require.InDelta(t, all.BitsPerByte.Value, log2(all.Perplexity.Value), 1e-12)
}

func TestResultsDoNotDependOnThreads(t *testing.T) {
	run := func(threads int) []*figure.Series {
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
	run := func(c Candidate, done []*figure.Series) ([]*figure.Series, error) {
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
	var kept []*figure.Series
	require.NoError(t, json.Unmarshal(b, &kept))
	rest, err := run(letters(ramp(0.2), true), kept)
	require.NoError(t, err)
	require.Equal(t, whole, rest)
}

// TestTolerantRunsLeaveOutWhatBreaks: the others do as without it, and nothing is measured of candidates that failed before.
func TestTolerantRunsLeaveOutWhatBreaks(t *testing.T) {
	run := func(tolerant bool, failed []error, c ...Candidate) (*Run, []*figure.Series, error) {
		r := &Run{Corpus: twoTexts(t), Reference: Live(letters(ramp(0.5), true)), Candidates: c, Tolerant: tolerant, Failed: failed}
		s, err := r.Do(context.Background())
		return r, s, err
	}
	nan := ramp(0.3)
	nan.logits[3][1] = float32(math.NaN())
	good := func() Candidate { return letters(ramp(0.2), true) }
	_, alone, err := run(false, nil, good())
	require.NoError(t, err)
	r, s, err := run(true, nil, letters(nan, true), good())
	require.NoError(t, err)
	require.Nil(t, s[0])
	require.Equal(t, alone[0], s[1])
	require.ErrorContains(t, r.Failed[0], "is NaN in chunk 1")
	_, _, err = run(false, nil, good(), letters(nan, true))
	var fault *ModelError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Candidate)

	r, s, err = run(true, []error{errBroken, nil}, Candidate{}, letters(nan, true))
	require.NoError(t, err)
	require.Equal(t, []*figure.Series{nil, nil}, s)
	require.ErrorIs(t, r.Failed[0], errBroken)
	_, s, err = run(true, []error{errBroken}, Candidate{})
	require.NoError(t, err, "nothing is left to measure")
	require.Equal(t, []*figure.Series{nil}, s)
}

func TestMaxTokensAreWholeChunks(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}, MaxTokens: 15}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Len(t, s[0].Chunks, 3) // of 7 tokens
}

func TestStopsWhenNarrow(t *testing.T) {
	corpus, err := text.NewCorpus([]text.Text{text.NewText("x", "x", texttest.Prose(2000, 3))}, texttest.Letters{AddsBOS: true}, text.Options{Context: 16})
	require.NoError(t, err)
	r := Run{Corpus: corpus, Reference: Live(letters(ramp(0.5), true)), Candidates: []Candidate{letters(ramp(0.2), true)}}
	r.Stop = func(s []*figure.Series) bool { return figure.Narrow(s, "kld.mean", 0.2) }
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Less(t, len(s[0].Chunks), corpus.Len())
	require.Contains(t, []int{16, 23, 32, 45, 64, 91}, len(s[0].Chunks))
	l, err := s[0].Limits("kld.mean", figure.All)
	require.NoError(t, err)
	require.LessOrEqual(t, l.Upper(0.025), 1.2*l.Estimate())
}

// A run that had stopped does not go on when it is resumed.
func TestStoppedStaysStopped(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}}
	r.Stop = func(s []*figure.Series) bool { return len(s[0].Chunks) >= 4 }
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	r.Done = s
	again, err := r.Do(context.Background())
	require.NoError(t, err)
	require.Equal(t, s, again)
	require.Len(t, again[0].Chunks, 4)
}

func TestCorpusMatchesChunks(t *testing.T) {
	r := Run{Corpus: twoTexts(t), Candidates: []Candidate{letters(ramp(0.2), true)}}
	s, err := r.Do(context.Background())
	require.NoError(t, err)
	require.NoError(t, r.Corpus.Match(s[0].Chunks))
	few, err := text.NewCorpus(r.Corpus.Texts, texttest.Letters{AddsBOS: true}, text.Options{Context: 16, Chunks: 3})
	require.NoError(t, err)
	require.NoError(t, few.Match(s[0].Chunks[:3]))
	require.ErrorContains(t, few.Match(s[0].Chunks), "14 chunks were measured, but the texts have 3")
	other, err := text.NewCorpus(r.Corpus.Texts[:1], texttest.Letters{AddsBOS: true}, text.Options{Context: 16})
	require.NoError(t, err)
	require.ErrorContains(t, other.Match(s[0].Chunks[:3]), "chunk 2")
}

func TestStoredPredictionsAreTheLiveOnes(t *testing.T) {
	corpus := twoTexts(t)
	path := filepath.Join(t.TempDir(), "cache")
	w, err := logits.Create(path, CacheHeader(corpus, strings.Repeat("ab", 32), 8, "exact, cache F32"))
	require.NoError(t, err)
	run := func(ref Reference, done []*figure.Series) []*figure.Series {
		r := Run{Corpus: corpus, Reference: ref, Candidates: []Candidate{letters(ramp(0.2), true)}, Done: done}
		s, err := r.Do(context.Background())
		require.NoError(t, err)
		return s
	}
	live := run(Record(letters(ramp(0.5), true), w), nil)
	require.NoError(t, w.Close())
	for _, done := range [][]*figure.Series{nil, {{Chunks: live[0].Chunks[:3:3], Paired: true}}} {
		r, err := logits.Open(path)
		require.NoError(t, err)
		ref, err := Cached(r, corpus, corpus.Len())
		require.NoError(t, err)
		got := run(ref, done)
		require.NoError(t, r.Close())
		a, b := live[0].Metrics(figure.All), got[0].Metrics(figure.All)
		require.InDelta(t, a.Divergence.Mean, b.Divergence.Mean, 1e-6, "log-probabilities are float32 there")
		require.Zero(t, b.Divergence.Bound, "8 tokens are kept in full")
		require.Equal(t, a.TopFive.Value, b.TopFive.Value)
		require.InDelta(t, a.Reference.Value, b.Reference.Value, 1e-9)
	}
	r, err := logits.Open(path)
	require.NoError(t, err)
	defer r.Close()
	other, err := text.NewCorpus([]text.Text{text.NewText("x", "x", texttest.Prose(64, 9))}, texttest.Letters{AddsBOS: true}, text.Options{Context: 16})
	require.NoError(t, err)
	_, err = Cached(r, other, other.Len())
	require.ErrorIs(t, err, gguf.ErrInput)
}

func TestLlamaLogits(t *testing.T) {
	corpus, err := text.NewCorpus([]text.Text{text.NewText("x", "x.txt", texttest.Prose(100, 4))}, texttest.Letters{AddsBOS: true}, text.Options{Context: 16})
	require.NoError(t, err)
	h, err := LlamaHeader(corpus, 8)
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
	again := CorpusOf(in.Header(), texttest.Letters{AddsBOS: true}, "logits.bin", "", 0)
	require.Equal(t, corpus.Windows, again.Windows)
	r = Run{Corpus: again, Reference: FromLlama(in, again), Candidates: []Candidate{letters(ramp(0.2), true)}}
	got, err := r.Do(context.Background())
	require.NoError(t, err)
	require.InDelta(t, live[0].Metrics(figure.All).Divergence.Mean, got[0].Metrics(figure.All).Divergence.Mean, 1e-3)
	_, err = LlamaHeader(twoTexts(t), 8)
	require.ErrorIs(t, err, gguf.ErrInput)
}
