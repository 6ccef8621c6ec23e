package overlap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// spelled are the words of text as strings: what words hashes.
func spelled(text string) []string {
	var out []string
	for w := range words(text) {
		out = append(out, strings.ToLower(text[w.start:w.end]))
	}
	return out
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		" \n--":                   "",
		"The cat, SAT.\n":         "the|cat|sat",
		"don't 3.14":              "don|t|3|14",
		"naïve cafe\u0301 ÉTÉ":    "naïve|cafe\u0301|été",
		"東京へ、行く":                  "東|京|へ|行|く",
		"GPT模型v2です":               "gpt|模|型|v2|で|す",
		"ラーメン":                    "ラ|ー|メ|ン",
		"ที่นี่ดี":                "ที่|นี่|ดี",
		"안녕 세계":                   "안녕|세계",
		"\u0301mark at the front": "mark|at|the|front",
		"a\xffb\uFFFDc":           "a|b|c",
	} {
		require.Equal(t, want, strings.Join(spelled(text), "|"), "%q", text)
	}
}

func TestCaseAndPunctuationDoNotMatter(t *testing.T) {
	var a, b []uint64
	for w := range words("Hello, big WORLD") {
		a = append(a, w.hash)
	}
	for w := range words("«hello big» — world!") {
		b = append(b, w.hash)
	}
	require.Equal(t, a, b)
}

func check(t *testing.T, calib, eval string, n int) Result {
	t.Helper()
	r, err := Check(context.Background(), []Text{{"calib", calib}}, []Text{{"eval", eval}}, n)
	require.NoError(t, err)
	require.Len(t, r, 1)
	return r[0]
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, calib, eval string
		n                 int
		shared, of, runs  int
		longest, excerpt  string // in the calibration text, and of the evaluation text
	}{
		{"nothing", "a b c d e f", "u v w x y z", 3, 0, 4, 0, "", ""},
		{"all", "a b c d", "A, b... C\nd", 3, 2, 2, 1, "a b c d", "A, b... C d"},
		{"a word too few", "a b c x", "u b c v", 3, 0, 2, 0, "", ""},
		{"exactly one", "x a b c y", "u a b c v", 3, 1, 3, 1, "a b c", "a b c"},
		{"two runs, the longer one", "a b c - p q r s", "p q r s u a b c", 3, 3, 6, 2, "p q r s", "p q r s"},
		{"other order is no match", "c b a", "a b c", 3, 0, 1, 0, "", ""},
		{"counted wherever it stands", "a b c", "a b c x a b c", 3, 2, 5, 2, "a b c", "a b c"},
		{"pieces from two places are one run, and two passages", "a b c d - d e f", "a b c d e f", 2, 5, 5, 1, "a b c d", "a b c d"},
		{"the end of one is the beginning of the other", "x y a b c", "a b c z z", 3, 1, 3, 1, "a b c", "a b c"},
		{"Chinese", "今天天气很好我们去公园", "昨天天气很好他在家", 4, 2, 6, 1, "天天气很好", "天天气很好"},
		{"repeated", "a a a a a a", "a a a a", 2, 3, 3, 1, "a a a a", "a a a a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := check(t, c.calib, c.eval, c.n)
			require.Equal(t, []int{c.shared, c.of, c.runs}, []int{r.Shared, r.NGrams, r.Runs})
			require.InDelta(t, float64(c.shared)/float64(c.of), r.Share, 1e-15)
			require.False(t, r.Identical)
			if c.longest == "" {
				require.Nil(t, r.Longest)
				return
			}
			p := r.Longest
			require.Equal(t, len(spelled(c.longest)), p.Words)
			require.Equal(t, c.longest, c.calib[p.CalibrationOffset:][:p.CalibrationBytes])
			require.Equal(t, c.excerpt, p.Excerpt)
			require.Equal(t, spelled(c.longest), spelled(c.eval[p.EvaluationOffset:][:p.EvaluationBytes]))
		})
	}
}

func TestIdenticalFiles(t *testing.T) {
	r := check(t, "too short", "too short", 13)
	require.True(t, r.Identical)
	require.Equal(t, 1.0, r.Share)
	require.Equal(t, r.CalibrationSHA256, r.EvaluationSHA256)
	require.Len(t, r.EvaluationSHA256, 64)
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("word ", 20)
	for want, c := range map[string]struct {
		calib, eval string
		n           int
	}{
		"calib has a NUL at byte 1":                         {"G\x00", long, 13},
		"eval has a NUL at byte 100":                        {long, long + "\x00", 13},
		"eval has 2 words":                                  {long, "two words", 13},
		"n-grams must have between 1 and 1000 words (got 0": {long, long, 0},
		"1 and 1000 words (got 1001":                        {long, long, 1001},
	} {
		_, err := Check(ctx, []Text{{"calib", c.calib}}, []Text{{"eval", c.eval}}, c.n)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := Check(cancelled, []Text{{"calib", long}}, []Text{{"eval", long}}, 2)
	require.ErrorIs(t, err, context.Canceled)
}

func TestEveryPairInOrder(t *testing.T) {
	texts := func(names ...string) (out []Text) {
		for _, n := range names {
			out = append(out, Text{n, n + " is a text"})
		}
		return out
	}
	rs, err := Check(context.Background(), texts("a", "b"), texts("c", "a"), 4)
	require.NoError(t, err)
	var got []string
	for _, r := range rs {
		got = append(got, fmt.Sprint(r.Calibration, r.Evaluation, r.Shared, r.Identical))
	}
	require.Equal(t, []string{"ac0 false", "bc0 false", "aa1 true", "ba0 false"}, got)
}

// TestAnInsertedPassageIsFound: a stretch of one random text put into another is found, where it is and as long as
// it is, whatever its case and spacing.
func TestAnInsertedPassageIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	// Vocabularies do not meet, so the passage ends where it was put.
	random := func(kind string, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(kind, r.IntN(40))
		}
		return out
	}
	for range 200 {
		n := 2 + r.IntN(12)
		calib, eval := random("c", 50+r.IntN(300)), random("e", 50+r.IntN(300))
		length := r.IntN(40) + 1
		from, to := r.IntN(len(calib)-length), r.IntN(len(eval))
		passage := calib[from : from+length]
		text := strings.Join(eval[:to], " ") + "\n\n" + strings.ToUpper(strings.Join(passage, " -- ")) + ".\n" + strings.Join(eval[to:], "\t")
		got := check(t, strings.Join(calib, " "), text, n)
		if length < n {
			require.Zero(t, got.Share)
			continue
		}
		require.GreaterOrEqual(t, got.Shared, length-n+1)
		require.Equal(t, length, got.Longest.Words)
		require.Equal(t, strings.ToUpper(strings.Join(passage, " -- ")), text[got.Longest.EvaluationOffset:][:got.Longest.EvaluationBytes])
	}
}

// TestOneWordOverAndOver takes a second, not a day: both texts repeat one n-gram.
func TestOneWordOverAndOver(t *testing.T) {
	a := strings.Repeat("ha ", 200_000)
	r := check(t, a, a+"x", 13)
	require.Equal(t, r.NGrams-1, r.Shared)
	require.Equal(t, 13+maxPlaces-1, r.Longest.Words, "what the places looked at show, not 200,000")
	require.LessOrEqual(t, len([]rune(r.Longest.Excerpt)), excerptRunes+3)
}

// naive counts shared n-grams by their spelling.
func naive(calib, eval string, n int) (shared, of, longest int) {
	a, b := spelled(calib), spelled(eval)
	grams := map[string]bool{}
	for i := 0; i+n <= len(a); i++ {
		grams[strings.Join(a[i:i+n], "\x00")] = true
	}
	for i := 0; i+n <= len(b); i++ {
		of++
		if grams[strings.Join(b[i:i+n], "\x00")] {
			shared++
		}
		for j := 0; j+n <= len(a); j++ {
			k := 0
			for i+k < len(b) && j+k < len(a) && b[i+k] == a[j+k] {
				k++
			}
			if k >= n {
				longest = max(longest, k)
			}
		}
	}
	return shared, of, longest
}

// FuzzCheck: whatever the texts, the counts are those of comparing spelled words, and passages lie in the texts and
// have the same words.
func FuzzCheck(f *testing.F) {
	f.Add("a b c d e f g", "x b c d e y", uint8(3))
	f.Add("今天天气很好", "天气很好吗 天气很好", uint8(2))
	f.Add("a a a b a a a", "a a a a b", uint8(1))
	f.Add("\xff\xfe x", "é É e\u0301", uint8(1))
	f.Fuzz(func(t *testing.T, calib, eval string, size uint8) {
		n := int(size)%8 + 1
		if len(calib) > 200 || len(eval) > 200 {
			return
		}
		rs, err := Check(context.Background(), []Text{{"c", calib}}, []Text{{"e", eval}}, n)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		r := rs[0]
		shared, of, longest := naive(calib, eval, n)
		require.Equal(t, []int{shared, of}, []int{r.Shared, r.NGrams})
		if r.Longest == nil {
			require.Zero(t, longest)
			return
		}
		p := r.Longest
		require.LessOrEqual(t, p.Words, longest)
		if len(spelled(eval)) <= maxPlaces {
			require.Equal(t, longest, p.Words)
		}
		a, b := spelled(calib[p.CalibrationOffset:][:p.CalibrationBytes]), spelled(eval[p.EvaluationOffset:][:p.EvaluationBytes])
		require.Equal(t, a, b)
		require.Len(t, a, p.Words)
	})
}
