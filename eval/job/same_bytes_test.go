package job

import (
	"context"
	"math"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/stretchr/testify/require"
)

// couples is a tokenizer of two letters a token, of the first 16 from a on.
type couples struct{ letters }

func (couples) Encode(text string, _, _ bool) (ids []int32, _ error) {
	for i := 0; i+1 < len(text); i += 2 {
		ids = append(ids, int32(text[i]-'a')<<4|int32(text[i+1]-'a'))
	}
	return ids, nil
}
func (couples) Piece(id int32) []byte { return []byte{byte('a' + id>>4), byte('a' + id&15)} }

// slanted knows letters by how often they come: letter k has weight exp(slope k), or a token their product.
type slanted struct {
	slope float64
	wide  bool
}

func (slanted) Reset() {}
func (s slanted) Forward(ids []int32, from int, logits []float32) error {
	for i := range logits {
		id, v := i%vocab, 0.0
		switch {
		case s.wide:
			v = s.slope * float64(id>>4+id&15)
		case id >= 'a' && id < 'a'+16:
			v = s.slope * float64(id-'a')
		default:
			v = math.Inf(-1)
		}
		logits[i] = float32(v)
	}
	return nil
}

// byBytes compares a model of letters with one of couples over a text of the 16 letters.
func byBytes(slope, wide float64) *Job {
	letters := make([]byte, 4000)
	for i := range letters {
		letters[i] = 'a' + byte((i*i>>3+i>>5)%16)
	}
	a, b := modelOf("b1", 0), modelOf("b2", 0)
	a.Loaded.Session = slanted{slope, false}
	b.Loaded.Session, b.Loaded.Tokenizer = slanted{wide, true}, couples{}
	return &Job{Command: "test", Candidates: []Model{a, b}, AnyTokenizer: true, Tolerant: true,
		Texts: []text.Text{text.NewText("x", "x.txt", string(letters))}, Options: text.Options{Context: 32}}
}

func TestDifferentTokenizersCompareInBitsPerByte(t *testing.T) {
	r, err := byBytes(-0.05, -0.07).Run(context.Background())
	require.NoError(t, err)
	Compare(r)
	require.NoError(t, r.Validate())
	require.True(t, r.Protocol.SameBytes)
	a, b := &r.Candidates[0], &r.Candidates[1]
	require.Equal(t, 2*b.Metrics.Perplexity.Tokens, a.Metrics.Perplexity.Tokens, "of the same bytes")
	require.Len(t, r.Comparisons, 1)
	c := r.Comparisons[0]
	require.Equal(t, "bits_per_byte", c.Metric)
	require.InDelta(t, a.Metrics.BitsPerByte.Value/b.Metrics.BitsPerByte.Value-1, c.Relative, 1e-12)
	require.Equal(t, "a", c.Better, "the text is uniform, and a is nearer to that")

	broken := *r
	broken.Candidates = append([]report.Candidate{}, r.Candidates...)
	broken.Candidates[1].Chunks = append([]figure.ChunkStats{}, b.Chunks...)
	broken.Candidates[1].Chunks[1].Bytes++
	require.ErrorContains(t, broken.Validate(), "candidates[1].metrics") // bits per byte, first of all
	broken.Candidates[1].Metrics = nil
	require.ErrorContains(t, broken.Validate(), "candidates[1].chunks: cover other bytes than those of b1")
	require.False(t, report.SameChunks(&report.Report{Protocol: r.Protocol, Data: r.Data, Candidates: broken.Candidates[1:]}, r))
	broken = *r
	broken.Reference = &r.Candidates[0].Model
	require.ErrorContains(t, broken.Validate(), "reference: cannot be combined")
}

// The same probabilities, by letters and by couples of them.
func TestTheSameModelByOtherTokensDoesNotDiffer(t *testing.T) {
	for _, slope := range []float64{0, -0.0625} { // logits that float32 holds exactly
		r, err := byBytes(slope, slope).Run(context.Background())
		require.NoError(t, err)
		Compare(r)
		a, b := r.Candidates[0].Metrics, r.Candidates[1].Metrics
		require.InDelta(t, a.BitsPerByte.Value, b.BitsPerByte.Value, 1e-12)
		require.Equal(t, 1.0, r.Comparisons[0].P)
		require.Empty(t, r.Comparisons[0].Better)
	}
}

func TestGoingOnByBytes(t *testing.T) {
	whole, err := byBytes(-0.05, -0.07).Run(context.Background())
	require.NoError(t, err)
	j := byBytes(-0.05, -0.07)
	j.MaxTokens = 100
	part, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Less(t, len(part.Candidates[0].Chunks), len(whole.Candidates[0].Chunks))
	require.GreaterOrEqual(t, part.Candidates[0].Metrics.Perplexity.Tokens, 100, "of the first candidate")
	require.True(t, report.SameChunks(part, whole))
	j = byBytes(-0.05, -0.07)
	require.NoError(t, j.Resume(part))
	got, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, whole, got)

	j = byBytes(-0.05, -0.07)
	j.UntilWidth = 0.5
	r, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Len(t, r.Candidates[1].Chunks, 16, "the first look")

	alone := byBytes(-0.05, -0.07)
	alone.Candidates = alone.Candidates[:1]
	r, err = alone.Run(context.Background())
	require.NoError(t, err)
	require.False(t, r.Protocol.SameBytes)
	require.False(t, report.SameChunks(r, whole), "chunks by tokens are others")
	alone = byBytes(-0.05, -0.07)
	alone.Candidates = alone.Candidates[1:]
	other, err := alone.Run(context.Background())
	require.NoError(t, err)
	require.False(t, report.SameChunks(r, other), "and so are those of another tokenizer")
}

// deaf is a tokenizer that loses the end of the text.
type deaf struct{ letters }

func (d deaf) Encode(text string, a, b bool) ([]int32, error) {
	return d.letters.Encode(text[:len(text)-1], a, b)
}

func TestTokenizersThatLoseText(t *testing.T) {
	j := byBytes(0, 0)
	lost := modelOf("b3", 0)
	lost.Loaded.Session, lost.Loaded.Tokenizer = slanted{}, deaf{letters{1}}
	j.Candidates = append(j.Candidates, lost)
	r, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Contains(t, r.Candidates[2].Failure, "b3: bad input: tokenizers differ: x.txt (slice x): its tokens end at byte 3999 of 4000")
	require.NotNil(t, r.Candidates[1].Metrics)

	j = byBytes(0, 0)
	j.Candidates[1] = lost // then there is one tokenizer left
	r, err = j.Run(context.Background())
	require.NoError(t, err)
	require.False(t, r.Protocol.SameBytes)

	j = byBytes(0, 0)
	j.Reference, j.Tolerant = &lost, false
	_, err = j.Run(context.Background())
	require.ErrorIs(t, err, text.ErrTokenizers)
	j = byBytes(0, 0)
	j.AnyTokenizer, j.Tolerant = false, false
	_, err = j.Run(context.Background())
	require.ErrorIs(t, err, text.ErrTokenizers)
}
