package run

import (
	"context"
	"math"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/eval/text/texttest"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// table predicts from the current token alone: logits[cur][next]. It records what it was fed.
type table struct {
	logits [8][8]float32
	fed    []int32
	first  []int32 // first token after each Reset
	reset  bool
}

func (s *table) Reset() { s.reset = true }

func (s *table) Forward(ids []int32, from int, logits []float32) error {
	if s.reset {
		s.first = append(s.first, ids[0])
		s.reset = false
	}
	s.fed = append(s.fed, ids...)
	for i, id := range ids[from:] {
		copy(logits[i*8:], s.logits[id][:])
	}
	return nil
}

func ramp(scale float32) *table {
	t := &table{}
	for i := range t.logits {
		for j := range t.logits[i] {
			t.logits[i][j] = scale * float32((i*3+j*5)%8)
		}
	}
	return t
}

func (s *table) logProb(cur, next int32) float64 {
	var sum float64
	for _, v := range s.logits[cur] {
		sum += math.Exp(float64(v))
	}
	return float64(s.logits[cur][next]) - math.Log(sum)
}

const sample = "abcdefghhgfedcbaacegbdfhabcdefgh" // 32 tokens

func letters(m *table, addBOS bool) Candidate {
	return Candidate{"m", m, 8, texttest.Letters{AddsBOS: addBOS}}
}

// measured runs candidates over the text, against ref unless that is nil.
func measured(ctx context.Context, ref *table, o text.Options, data string, c ...Candidate) ([]*figure.Series, error) {
	corpus, err := text.NewCorpus([]text.Text{text.NewText("sample", "sample.txt", data)}, c[0].Tokenizer, o)
	if err != nil {
		return nil, err
	}
	r := Run{Corpus: corpus, Candidates: c, Threads: 2}
	if ref != nil {
		r.Reference = Live(letters(ref, true))
	}
	return r.Do(ctx)
}

func TestPerplexityScoresTheSecondHalfOfEachChunk(t *testing.T) {
	m := ramp(0.3)
	s, err := measured(context.Background(), nil, text.Options{Context: 8}, sample, letters(m, true))
	require.NoError(t, err)
	p := s[0].Metrics(figure.All).Perplexity
	ids, _ := texttest.Letters{}.Encode(sample, false, false)
	var nll float64
	var n int
	var running []float64
	for c := range 4 {
		for i := c*8 + 4; i < c*8+7; i++ {
			nll -= m.logProb(ids[i], ids[i+1])
			n++
		}
		running = append(running, math.Exp(nll/float64(n)))
	}
	require.Equal(t, 4*3, p.Tokens)
	require.InDelta(t, math.Exp(nll/float64(n)), p.Value, 1e-12)
	require.InDeltaSlice(t, running, p.Chunks, 1e-12)
	require.Equal(t, []int32{7, 7, 7, 7}, m.first, "every chunk begins with BOS")
	require.Greater(t, p.StdErr, 0.0)
	require.Greater(t, p.ClusteredStdErr, 0.0)
}

func TestWithoutBOSTheFirstTokenStays(t *testing.T) {
	m := ramp(0.3)
	_, err := measured(context.Background(), nil, text.Options{Context: 8, Chunks: 2}, sample, letters(m, false))
	require.NoError(t, err)
	require.Equal(t, []int32{0, 7}, m.first)
}

func TestStrideScoresEveryTokenOnce(t *testing.T) {
	m := ramp(0.3)
	s, err := measured(context.Background(), nil, text.Options{Context: 8, Stride: 4}, sample, letters(m, true))
	require.NoError(t, err)
	p := s[0].Metrics(figure.All).Perplexity
	require.Len(t, p.Chunks, 7) // windows start at 0, 4, ..., 24
	require.Equal(t, 7*4, p.Tokens)
	require.Equal(t, []int32{7, 7, 7, 7, 7, 7, 7}, m.first, "every window begins with BOS, before it is computed")
}

func TestCompareWithItself(t *testing.T) {
	s, err := measured(context.Background(), ramp(0.5), text.Options{Context: 8}, sample, letters(ramp(0.5), true))
	require.NoError(t, err)
	got := s[0].Metrics(figure.All)
	require.Zero(t, got.Divergence.Mean)
	require.Equal(t, 1.0, got.TopFive.Value)
	require.Equal(t, 1.0, got.SameTop.Value)
	require.InDelta(t, 1, got.Ratio.Value, 1e-12)
	require.InDelta(t, 0, got.Ratio.StdErr, 1e-7)
	require.InDelta(t, 1, got.Correlation, 1e-9)
}

func TestCompareByHand(t *testing.T) {
	q, p := ramp(0.2), ramp(0.5)
	s, err := measured(context.Background(), p, text.Options{Context: 8}, sample, letters(q, true))
	require.NoError(t, err)
	got := s[0].Metrics(figure.All)
	ids, _ := texttest.Letters{}.Encode(sample, false, false)
	var kld, dp2 float64
	for c := range 4 {
		for i := c*8 + 4; i < c*8+7; i++ {
			for j := range int32(8) {
				lp := p.logProb(ids[i], j)
				kld += math.Exp(lp) * (lp - q.logProb(ids[i], j))
			}
			d := math.Exp(q.logProb(ids[i], ids[i+1])) - math.Exp(p.logProb(ids[i], ids[i+1]))
			dp2 += d * d
		}
	}
	require.InDelta(t, kld/12, got.Divergence.Mean, 1e-12)
	require.InDelta(t, math.Sqrt(dp2/12), got.DeltaP.Value, 1e-12)
	require.GreaterOrEqual(t, got.Divergence.Max, got.Divergence.P99)
	require.InDelta(t, got.Perplexity.Value/got.Reference.Value, got.Ratio.Value, 1e-12)
}

func TestRefusals(t *testing.T) {
	c := letters(ramp(1), true)
	ctx := context.Background()
	_, err := measured(ctx, nil, text.Options{Context: 8}, "abc", c)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "sample.txt (slice sample) has 3 tokens")
	_, err = measured(ctx, nil, text.Options{Context: 8, Stride: 8}, sample, c)
	require.ErrorIs(t, err, gguf.ErrInput)

	broken := ramp(1)
	broken.logits[3][1] = float32(math.NaN())
	_, err = measured(ctx, nil, text.Options{Context: 8}, sample, letters(broken, true))
	require.ErrorContains(t, err, "broken")

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = measured(cancelled, nil, text.Options{Context: 8}, sample, c)
	require.ErrorIs(t, err, context.Canceled)
}

func log2(x float64) float64 { return math.Log2(x) }
