package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf/names"
	"github.com/stretchr/testify/require"
)

// alphabet has characters of all classes that expressions tell apart, from many scripts, and those at their edges.
var alphabet = []rune("aestvrlmdzAESTVRLMDZ0189      \t\n\r\v\f''''//.,!?()-_$+<=>^`|~[\\]{}\"#%&*:;@" +
	"\u00a0\u0085\u2028\u3000\u200b\u200d\ufeff\x00\x1f\x7f\ufffd" + // spaces and what looks like them
	"éßÉµſ\u212aǅʰªσΣЖж\u0301\u0308\u20dd" + // small, capital, title case, modifier letters; marks
	"²½Ⅷ٣८๓〇" + // numbers
	"אבجلد\u0651\u064bकि\u094dขั\u0e31က\u1039ទ្" +
	"一龥龦鿿㐀豈ぁん゠ヿ・가힣ㄅㄱ０Ａ！。、《" +
	"😀🏽🇩🇪ℤ€№" + "\ue000\u0378\U000e0001\U0010ffff\U00020000\U0001e943")

// randomText has runs of the same characters and of those of a script, as texts do.
func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(12) {
		from := r.IntN(len(alphabet))
		wide := 1 + r.IntN(min(8, len(alphabet)-from))
		if r.IntN(3) == 0 {
			from, wide = 0, len(alphabet)
		}
		for range 1 + r.IntN(5) {
			b.WriteRune(alphabet[from+r.IntN(wide)])
		}
	}
	return b.String()
}

// oracle is the Splitter without scanners.
func oracle(t testing.TB, patterns []string) *Splitter {
	s := &Splitter{}
	for _, p := range patterns {
		re, err := compile(names.Canonical(p))
		require.NoError(t, err)
		s.steps = append(s.steps, expression{re})
	}
	return s
}

// Scanners divide every text as their expressions do.
func TestScanners(t *testing.T) {
	scanned := 0
	for _, pattern := range []string{names.GPT2, names.Llama3, names.Qwen2, names.Qwen35, names.GPT4o, names.Tekken, names.DeepSeek,
		names.Kana, names.Digit, names.Digits3, names.Lines} {
		require.NotNil(t, scannerFor(pattern), pattern)
		s, err := NewSplitter([]string{pattern}, 0)
		require.NoError(t, err)
		want := oracle(t, []string{pattern})
		r := rand.New(rand.NewPCG(1, 2))
		for range 3000 {
			text := randomText(r)
			require.Equal(t, want.Split(text), s.Split(text), "%s: %q", pattern, text)
			scanned++
		}
	}
	t.Logf("%d texts", scanned)
	require.Nil(t, scannerFor(`\p{L}`))
}

// All pre-tokenizers of the table have expressions that compile, lose nothing of a text and divide it as without scanners.
func TestAllPreTokenizers(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range names.All() {
		p, ok := names.Find(name)
		require.True(t, ok)
		if p.Splits == nil || seen[strings.Join(p.Splits, " then ")] {
			continue
		}
		seen[strings.Join(p.Splits, " then ")] = true
		s, err := NewSplitter(p.Splits, 0)
		require.NoError(t, err, name)
		want := oracle(t, p.Splits)
		r := rand.New(rand.NewPCG(3, 4))
		for range 300 {
			text := randomText(r)
			parts := s.Split(text)
			require.Equal(t, text, strings.Join(parts, ""), name)
			require.Equal(t, want.Split(text), parts, "%s: %q", name, text)
		}
	}
	require.Greater(t, len(seen), 25)
}

// What each of the expressions without scanners is for.
func TestSplits(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"afmoe", "in 1234567 天 ab", []string{"in", " ", "1", "234", "567", " ", "天", " ab"}},
		{"tiny_aya", "1234567 1234a", []string{"1", "234", "567", " ", "123", "4", "a"}},
		{"superbpe", "a 1234567!", []string{"a ", "1", "234", "567", "!"}},
		{"kimi-k2", "Hello世界don't 1234", []string{"Hello", "世界", "don't", " ", "123", "4"}},
		{"chameleon", "IMGIMGABZ a  b!", []string{"IMGIMGABZ", " a", "  ", "b", "!"}},
		{"deepseek-llm", "Hi, 我 12", []string{"Hi", ",", " ", "我", " ", "12"}},
		{"falcon", "a--b 12345", []string{"a", "--", "b", " ", "123", "45"}},
		{"viking", "ab,c 12", []string{"ab", ",", "c", " ", "1", "2"}},
		{"gemma4", "a b\n\nc", []string{"a b", "\n\n", "c"}},
		{"qwen35", "nai\u0308ve", []string{"nai\u0308ve"}},
		{"qwen2", "nai\u0308ve", []string{"nai", "\u0308ve"}},
		{"gpt-4o", "HelloWORLDs a's", []string{"Hello", "WORLDs", " a's"}},
		{"tekken", "a's 12", []string{"a", "'s", " ", "1", "2"}},
	} {
		s, _, err := splitterFor(c.name)
		require.NoError(t, err)
		require.Equal(t, c.want, s.Split(c.text), c.name)
	}
}

func FuzzScanners(f *testing.F) {
	patterns := []string{names.GPT2, names.Llama3, names.Qwen2, names.Qwen35, names.GPT4o, names.Tekken, names.DeepSeek, names.Digits3}
	var scanners, oracles []*Splitter
	for _, p := range patterns {
		s, err := NewSplitter([]string{p}, 0)
		require.NoError(f, err)
		scanners, oracles = append(scanners, s), append(oracles, oracle(f, []string{p}))
	}
	f.Add("Don't  go\r\n\n to 1234 HTTPServers' x\u0301 天")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		for i, p := range patterns {
			require.Equal(t, oracles[i].Split(text), scanners[i].Split(text), "%s: %q", p, text)
		}
	})
}

// Bytes that are no text are kept together and in their place.
func TestSplitInvalid(t *testing.T) {
	s, _, err := splitterFor("llama-bpe")
	require.NoError(t, err)
	require.Equal(t, []string{"a", " b", "\xff\xfe", "�c", "\xe6\x97"}, s.Split("a b\xff\xfe�c\xe6\x97"))
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("The quick brown fox's 3 dens weren't in HTTPServer.go:1234, or so it said;\n\tif err != nil {\n\t\treturn err\n\t}\n他们说这是第12次。", 200)
	for _, name := range []string{"gpt-2", "llama-bpe", "qwen2", "gpt-4o", "deepseek-v3"} {
		p, _ := names.Find(name)
		s, err := NewSplitter(p.Splits, 0)
		require.NoError(b, err)
		for _, how := range []struct {
			name string
			s    *Splitter
		}{{"scanner", s}, {"regexp2", oracle(b, p.Splits)}} {
			b.Run(name+"/"+how.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					how.s.Each(text, func(string) {})
				}
			})
		}
	}
}
