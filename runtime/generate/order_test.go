package generate

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBest: the selection is the beginning of what sorting gives, for any k, with equal logits, zeros of both signs, infinities and NaNs.
func TestBest(t *testing.T) {
	logits := randomLogits(3000)
	for i := range logits {
		if i%3 == 0 {
			logits[i] = float32(math.Round(float64(logits[i])))
		}
		if i%5 == 0 {
			logits[i] = []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 1e-44, -1e-44}[i/5%7]
		}
	}
	want := make([]int32, len(logits))
	for i := range want {
		want[i] = int32(i)
	}
	slices.SortFunc(want, func(a, b int32) int { return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b)) })
	var o order
	for _, k := range []int{0, 1, 2, 7, 40, 374, 375, 376, 2999, 3000, 5000} {
		got := []int32{}
		for _, x := range o.best(logits, k) {
			got = append(got, int32(uint32(x)))
		}
		n := min(k, len(want))
		if k == 0 {
			n = len(want)
		}
		require.Equal(t, want[:n], got, "k = %d", k)
	}
	require.Len(t, o.best(logits[:1], 1), 1)
}

// sorted is how tokens were drawn by sorting all of them.
func sorted(s *Sampler, logits []float32) int32 {
	var tokens []candidate
	for i, v := range logits {
		tokens = append(tokens, candidate{id: int32(i), logit: v})
	}
	if s.params.TopK > 0 || s.params.TopP < 1 {
		slices.SortFunc(tokens, byLogit)
	}
	if s.params.TopK > 0 {
		tokens = tokens[:min(s.params.TopK, len(tokens))]
	}
	if s.params.TopP < 1 {
		tokens = topP(tokens, s.params.TopP)
	}
	softmax(tokens, s.params.Temperature)
	rest := s.random.Float64()
	for _, c := range tokens {
		if rest -= c.probability; rest < 0 {
			return c.id
		}
	}
	return tokens[len(tokens)-1].id
}

// TestSampleEqualsSorting: the same tokens as from logits that are sorted as a whole.
func TestSampleEqualsSorting(t *testing.T) {
	logits := randomLogits(3000)
	for i := range logits[:1500] {
		logits[i] = float32(math.Round(2*float64(logits[i])) / 2)
	}
	for _, p := range []Params{
		{Temperature: 0.8, TopP: 1}, {Temperature: 0.8, TopK: 40, TopP: 1}, {Temperature: 1.5, TopK: 40, TopP: 0.95}, {Temperature: 1, TopK: 2000, TopP: 0.9},
		{Temperature: 2, TopP: 0.9}, {Temperature: 1, TopK: 1, TopP: 1}, {Temperature: 1, TopK: 1 << 20, TopP: 1},
	} {
		a, err := NewSampler(p)
		require.NoError(t, err)
		b, err := NewSampler(p)
		require.NoError(t, err)
		for i := range 50 {
			logits[i] += 0.25
			require.Equal(t, sorted(b, logits), a.Sample(logits), "%+v, token %d", p, i)
		}
	}
}

// TestSampleAllocatesNothing, but for the first tokens.
func TestSampleAllocatesNothing(t *testing.T) {
	logits := randomLogits(500)
	s, err := NewSampler(Params{Temperature: 0.8, TopK: 0, TopP: 0.9, TypicalP: 0.9, MinP: 0.01, XTC: XTC{0.5, 0.1},
		Penalties: Penalties{64, 1.1, 0.1, 0.1}, DRY: DRY{Multiplier: 0.8, Base: 1.75, Allowed: 2, Window: 64, Breakers: []Breaker{{3, nil}}}})
	require.NoError(t, err)
	draw := func() { s.Accept(s.Sample(logits)) }
	for range 300 {
		draw()
	}
	require.Zero(t, testing.AllocsPerRun(300, draw))
}
