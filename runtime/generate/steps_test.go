package generate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// logs are the logits that have these probabilities.
func logs(probabilities ...float64) []float32 {
	out := make([]float32, len(probabilities))
	for i, p := range probabilities {
		out[i] = float32(math.Log(p))
	}
	return out
}

// TestSteps: what each step leaves of some probabilities. Most values are those of llama.cpp's test-sampling.
func TestSteps(t *testing.T) {
	four, falling, five := []float64{0.1, 0.2, 0.3, 0.4}, []float64{0.4, 0.3, 0.2, 0.1}, []float64{0.2, 0.2, 0.2, 0.2, 0.2}
	breaker := []Breaker{{Head: 3}}
	for name, c := range map[string]struct {
		in     []float64
		past   []int32
		params Params
		want   map[int32]float64
	}{
		"top-k 1":               {four, nil, Params{TopK: 1}, map[int32]float64{3: 1}},
		"top-k 3":               {four, nil, Params{TopK: 3}, map[int32]float64{3: 0.44444, 2: 0.33333, 1: 0.22222}},
		"top-k all":             {four, nil, Params{TopK: 9}, map[int32]float64{0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}},
		"top-p 0.01":            {four, nil, Params{TopP: 0.01}, map[int32]float64{3: 1}},
		"top-p 0.69":            {four, nil, Params{TopP: 0.69}, map[int32]float64{3: 0.571429, 2: 0.428571}},
		"top-p 0.8":             {four, nil, Params{TopP: 0.8}, map[int32]float64{3: 0.44444, 2: 0.33333, 1: 0.22222}},
		"min-p 0.24":            {four, nil, Params{MinP: 0.24}, map[int32]float64{0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}},
		"min-p 0.26":            {four, nil, Params{MinP: 0.26}, map[int32]float64{1: 0.2 / 0.9, 2: 0.3 / 0.9, 3: 0.4 / 0.9}},
		"min-p 0.49":            {four, nil, Params{MinP: 0.49}, map[int32]float64{1: 0.2 / 0.9, 2: 0.3 / 0.9, 3: 0.4 / 0.9}},
		"min-p 0.51":            {four, nil, Params{MinP: 0.51}, map[int32]float64{2: 0.3 / 0.7, 3: 0.4 / 0.7}},
		"min-p 1":               {four, nil, Params{MinP: 1}, map[int32]float64{3: 1}},
		"XTC 0.09":              {falling, nil, Params{XTC: XTC{1, 0.09}}, map[int32]float64{3: 1}},
		"XTC 0.19":              {falling, nil, Params{XTC: XTC{1, 0.19}}, map[int32]float64{2: 0.66667, 3: 0.33333}},
		"XTC 0.29":              {falling, nil, Params{XTC: XTC{1, 0.29}}, map[int32]float64{1: 0.5, 2: 0.33333, 3: 0.16667}},
		"XTC 0.39, of one":      {falling, nil, Params{XTC: XTC{1, 0.39}}, map[int32]float64{0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}},
		"typical 0.5":           {[]float64{0.97, 0.01, 0.01, 0.01}, nil, Params{TypicalP: 0.5}, map[int32]float64{0: 1}},
		"typical 0.5, no top":   {[]float64{0.4, 0.2, 0.2, 0.2}, nil, Params{TypicalP: 0.5}, map[int32]float64{1: 1. / 3, 2: 1. / 3, 3: 1. / 3}},
		"typical, then top-k":   {[]float64{0.4, 0.2, 0.2, 0.2}, nil, Params{TopK: 2, TypicalP: 0.9}, map[int32]float64{0: 0.66667, 1: 0.33333}},
		"repeat":                {five, []int32{0}, Params{Penalties: Penalties{9, 50, 0, 0}}, map[int32]float64{0: 0, 1: 0.25, 2: 0.25, 3: 0.25, 4: 0.25}},
		"repeat thrice":         {five, []int32{0, 1, 2, 0, 0}, Params{Penalties: Penalties{9, 50, 0, 0}}, map[int32]float64{0: 0, 1: 0, 2: 0, 3: 0.5, 4: 0.5}},
		"presence, frequency":   {five, []int32{0}, Params{Penalties: Penalties{9, 1, 5, 5}}, map[int32]float64{0: 0.000011, 1: 0.249997, 2: 0.249997, 3: 0.249997, 4: 0.249997}},
		"presence of three":     {five, []int32{0, 1, 2}, Params{Penalties: Penalties{9, 0, 5, 5}}, map[int32]float64{0: 0.000023, 1: 0.000023, 2: 0.000023, 3: 0.499966, 4: 0.499966}},
		"frequency of three":    {five, []int32{0, 1, 2, 0, 0}, Params{Penalties: Penalties{9, 1, 5, 5}}, map[int32]float64{0: 0, 1: 0.000023, 2: 0.000023, 3: 0.499977, 4: 0.499977}},
		"a window":              {five, []int32{0, 1, 2}, Params{Penalties: Penalties{1, 50, 0, 0}}, map[int32]float64{0: 0.25, 1: 0.25, 2: 0, 3: 0.25, 4: 0.25}},
		"DRY, nothing":          {[]float64{0.25, 0.25, 0.25, 0.25}, []int32{0, 1}, Params{DRY: DRY{1, 1.1, 2, 4, nil}}, map[int32]float64{0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25}},
		"DRY":                   {[]float64{0.25, 0.25, 0.25, 0.25}, []int32{0, 1, 2, 0, 1}, Params{DRY: DRY{1, 1.1, 2, 5, nil}}, map[int32]float64{0: 0.296923, 1: 0.296923, 2: 0.109232, 3: 0.296923}},
		"DRY, breaker":          {five, []int32{0, 1, 3, 4, 0, 1}, Params{DRY: DRY{1, 1.1, 2, 6, breaker}}, map[int32]float64{0: 0.2, 1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2}},
		"DRY, twice as much":    {five, []int32{0, 1, 2, 0, 1}, Params{DRY: DRY{2, 1.1, 2, 5, nil}}, map[int32]float64{0: 0.241818, 1: 0.241818, 2: 0.032727, 3: 0.241818, 4: 0.241818}},
		"DRY, too short":        {five, []int32{0, 1, 2, 3, 4, 0, 1}, Params{DRY: DRY{1, 1.1, 4, 7, nil}}, map[int32]float64{0: 0.2, 1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2}},
		"DRY, behind a breaker": {five, []int32{0, 1, 2, 3, 0, 1}, Params{DRY: DRY{2, 1.1, 2, 9, breaker}}, map[int32]float64{0: 0.241818, 1: 0.241818, 2: 0.032727, 3: 0.241818, 4: 0.241818}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.params.TopP == 0 {
				c.params.TopP = 1
			}
			s, err := NewSampler(c.params)
			require.NoError(t, err)
			s.Accept(c.past...)
			tokens := s.left(s.penalised(logs(c.in...)))
			softmax(tokens, 1)
			got := map[int32]float64{}
			for _, x := range tokens {
				got[x.id] = x.probability
			}
			require.InDeltaMapValues(t, c.want, got, 1e-5)
			require.Len(t, got, len(c.want))
		})
	}
}

// TestGreedyWithSteps: without temperature the likeliest of those that are left is taken.
func TestGreedyWithSteps(t *testing.T) {
	in := logs(0.4, 0.3, 0.2, 0.1)
	for _, c := range []struct {
		params Params
		want   int32
	}{
		{Params{TopP: 1}, 0}, {Params{TopP: 1, XTC: XTC{1, 0.29}}, 1}, {Params{TopP: 1, TopK: 2, MinP: 0.5}, 0},
		{Params{TopP: 1, Penalties: Penalties{LastN: 4, Presence: 1}}, 1},
	} {
		s, err := NewSampler(c.params)
		require.NoError(t, err)
		s.Accept(0)
		require.Equal(t, c.want, s.Sample(in), "%+v", c.params)
		require.Equal(t, logs(0.4, 0.3, 0.2, 0.1), in, "logits are the caller's")
	}
}

// TestXTCHappensSometimes, as often as its probability says, and the same times for the same seed.
func TestXTCHappensSometimes(t *testing.T) {
	in := logs(0.4, 0.35, 0.2, 0.05)
	p := Params{TopP: 1, XTC: XTC{0.3, 0.1}, Seed: 5}
	counts := draw(t, p, in, 2000)
	require.InDelta(t, 600, counts[2], 80)
	require.Equal(t, 2000, counts[0]+counts[2])
	require.Equal(t, counts, draw(t, p, in, 2000))
}

// TestFindSame compares with counting one by one.
func TestFindSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		w := dryWork{back: make([]int32, 1+r.IntN(30))}
		for i := range w.back {
			w.back[i] = int32(r.IntN(3))
		}
		w.findSame()
		for i := range w.back[1:] {
			n := 0
			for i+1+n < len(w.back) && w.back[n] == w.back[i+1+n] {
				n++
			}
			require.Equal(t, n, w.same[i+1], "%v at %d", w.back, i+1)
		}
	}
}

// TestPast: of many tokens the last are known.
func TestPast(t *testing.T) {
	p := past{most: 5}
	p.add([]int32{9, 9, 9, 1, 2, 3, 4, 5, 6})
	require.Equal(t, []int32{5, 6}, p.last(2))
	for i := range int32(1000) {
		p.add([]int32{i})
	}
	require.Equal(t, []int32{995, 996, 997, 998, 999}, p.last(5))
	require.Less(t, cap(p.ids), 200)
	p = past{}
	p.add([]int32{1})
	require.Empty(t, p.ids)
}

// TestPenaltyEnds where float32 does.
func TestPenaltyEnds(t *testing.T) {
	d := DRY{Multiplier: 1, Base: 1.75, Allowed: 2}
	require.InDelta(t, 1.75*1.75, d.penalty(4), 1e-9)
	require.Equal(t, d.penalty(100000), d.penalty(1000))
	require.LessOrEqual(t, d.penalty(100000), math.MaxFloat32)
	require.Equal(t, 1.0, (&DRY{Multiplier: 1, Base: 1, Allowed: 2}).penalty(90))
}

// words is a tokenizer of some words; texts are taken apart from the left, the longest first.
type words []string

func (w words) Piece(id int32) []byte { return []byte(w[id]) }
func (w words) Encode(text string, _, _ bool) (ids []int32, err error) {
	for text != "" {
		best := -1
		for i, s := range w {
			if len(s) <= len(text) && text[:len(s)] == s && (best < 0 || len(s) > len(w[best])) {
				best = i
			}
		}
		ids, text = append(ids, int32(best)), text[len(w[best]):]
	}
	return ids, nil
}

// TestFindBreakers: tokens with a breaker within, and those that end with its beginning.
func TestFindBreakers(t *testing.T) {
	w := words{"a", "b", "ab", "ba", "aba", "\n", "x\ny", "b\n"}
	got, err := FindBreakers(len(w), w, []string{"\n", "", "ab"})
	require.NoError(t, err)
	require.Equal(t, []Breaker{{Head: 5}, {Head: 6}, {Head: 7}, {0, []int32{1}}, {Head: 2}, {3, []int32{1}}, {Head: 4}}, got)

	s, err := NewSampler(Params{TopP: 1, DRY: DRY{1, 2, 1, 9, got}})
	require.NoError(t, err)
	require.Equal(t, 2, s.sinceBreaker([]int32{0, 0, 5, 1}), "the last first: a, a, then a line's end")
	require.Equal(t, 1, s.sinceBreaker([]int32{0, 1, 0, 5, 1}), "a, then b and a")
	require.Equal(t, 0, s.sinceBreaker([]int32{1, 0}), "a, then b")
	require.Equal(t, 2, s.sinceBreaker([]int32{0, 1}), "b, then a, which may be one yet")
	require.True(t, s.breaks(5))
	require.False(t, s.breaks(0))
}

// TestText: characters come whole, stop strings not at all.
func TestText(t *testing.T) {
	for name, c := range map[string]struct {
		stops, pieces []string
		want          []string
		ended         bool
	}{
		"no stops":            {nil, []string{"a", "b c"}, []string{"a", "b c"}, false},
		"a character":         {nil, []string{"x\xe2", "\x82", "\xacy", "\xf0\x9f"}, []string{"x", "€y"}, false},
		"no UTF-8":            {nil, []string{"\xff\x80", "a\x80"}, []string{"\xff\x80", "a\x80"}, false},
		"stop":                {[]string{"END"}, []string{"a E", "N", "D b", "c"}, []string{"a "}, true},
		"no stop after all":   {[]string{"END"}, []string{"a E", "N", "D"[:0], "E", "ND"}, []string{"a ", "EN"}, true},
		"begins anew":         {[]string{"aab"}, []string{"a", "a", "a", "b"}, []string{"a"}, true},
		"held to the end":     {[]string{"END"}, []string{"a EN"}, []string{"a ", "EN"}, false},
		"the first of two":    {[]string{"b", "a b"}, []string{"x a b"}, []string{"x "}, true},
		"the longest of two":  {[]string{"a", "ab"}, []string{"xab"}, []string{"x"}, true},
		"stop in a character": {[]string{"€"}, []string{"a\xe2", "\x82", "\xac", "b"}, []string{"a"}, true},
		"at once":             {[]string{"a"}, []string{"a"}, nil, true},
		"empty":               {[]string{""}, []string{"a"}, []string{"a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			out := newText(c.stops, func(b []byte) error { got = append(got, string(b)); return nil })
			ended := false
			for _, p := range c.pieces {
				var err error
				if ended, err = out.write([]byte(p)); ended {
					require.NoError(t, err)
					break
				}
			}
			if !ended {
				require.NoError(t, out.end())
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.ended, ended)
		})
	}
}

// FuzzText: whatever the pieces are, the text is that of all of them up to the first stop string, and of whole characters.
func FuzzText(f *testing.F) {
	f.Add("hello wor€ld", "wor", uint8(1))
	f.Add("aaab", "aab", uint8(2))
	f.Add("\xe2\x82", "", uint8(1))
	f.Fuzz(func(t *testing.T, s, stop string, size uint8) {
		var got []byte
		out := newText([]string{stop}, func(b []byte) error { got = append(got, b...); return nil })
		ended := false
		for part := range slices.Chunk([]byte(s), 1+int(size)%7) {
			if ended, _ = out.write(part); ended {
				break
			}
		}
		want := []byte(s)
		if i := strings.Index(s, stop); stop != "" && i >= 0 {
			want = want[:i]
			require.True(t, ended)
		} else {
			require.False(t, ended)
			require.NoError(t, out.end())
			want = want[:len(want)-unfinished(want)]
		}
		require.Equal(t, string(want), string(got))
	})
}

func TestRunStops(t *testing.T) {
	text, reason, _ := run(t, []int32{0}, Options{Params: Params{TopP: 1}, MaxTokens: 10, IgnoreEOG: true, Stop: []string{"ea"}})
	require.Equal(t, "bcd", text)
	require.Equal(t, StopString, reason)
}
