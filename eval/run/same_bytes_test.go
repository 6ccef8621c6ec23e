package run

import (
	"context"
	"math"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/eval/text/texttest"
	"github.com/stretchr/testify/require"
)

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
func overBytes(t *testing.T, data string, ctx int, scale float64, addBOS bool) []*figure.Series {
	t.Helper()
	c := []Candidate{{"letters", slope{8, scale}, 8, texttest.Letters{AddsBOS: addBOS}}, {"pairs", slope{64, scale}, 64, texttest.Pairs{}}}
	corpora, err := text.NewCorpora([]text.Text{text.NewText("x", "x.txt", data)}, []text.Tokenizer{c[0].Tokenizer, c[1].Tokenizer}, text.Options{Context: ctx})
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
		require.InDelta(t, total/16/math.Ln2, s[i].Metrics(figure.All).BitsPerByte.Value, 1e-6)
	}
}

// A model that gives every letter 1 of 8 says the same of the text by letters and by pairs: 3 bits a byte.
func TestSameProbabilityIsNoDifference(t *testing.T) {
	s := overBytes(t, texttest.Prose(400, 1), 16, 0, true)
	for _, x := range s {
		require.InDelta(t, 3, x.Metrics(figure.All).BitsPerByte.Value, 1e-12)
	}
	require.NotEqual(t, s[0].Metrics(figure.All).Perplexity.Value, s[1].Metrics(figure.All).Perplexity.Value)
	l, ok, err := figure.Relative("bits_per_byte", s[0], s[1], figure.All, true)
	require.NoError(t, err)
	require.True(t, ok)
	require.InDelta(t, 0, l.Estimate(), 1e-12)
}

func TestFaultsAreOfTheModelThatHasThem(t *testing.T) {
	toks := []text.Tokenizer{texttest.Letters{}, texttest.Pairs{}}
	corpora, err := text.NewCorpora([]text.Text{text.NewText("x", "x", texttest.Prose(100, 1))}, toks, text.Options{Context: 16})
	require.NoError(t, err)
	c := []Candidate{{"letters", slope{8, 0.1}, 8, toks[0]}, {"pairs", &failing{slope{64, 0.1}, 3}, 64, toks[1]}}
	r := Run{Corpus: corpora[0], Corpora: corpora, Candidates: c}
	_, err = r.Do(context.Background())
	var fault *ModelError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Candidate)
}
