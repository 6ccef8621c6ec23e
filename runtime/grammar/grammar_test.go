package grammar

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		grammar string
		yes, no []string
	}{
		{`root ::= "yes" | "no"`, []string{"yes", "no"}, []string{"", "ye", "yess", "noyes"}},
		{"# a comment\nroot ::= a b # another\na ::= \"a\"\n\nb ::= \"b\"", []string{"ab"}, []string{"a", "ba"}},
		{"root ::= (\n\"a\"\n| \"b\" )\n  | \"c\"", []string{"a", "b", "c"}, []string{"ab"}},
		{"root ::=\n  \"a\" |\n  \"b\"\nx ::= \"y\"", []string{"a", "b"}, []string{"y"}},
		{`root ::= [a-c]+ [^a-c]`, []string{"ad", "abcX", "cé", "c你", "b🙂"}, []string{"a", "d", "ac", "a\xff", "add"}},
		{`root ::= "é"* [à-ü]? .`, []string{"x", "éé🙂", "éà"}, []string{"", "\xc3"}},
		{`root ::= "a"{3}`, []string{"aaa"}, []string{"aa", "aaaa"}},
		{`root ::= ("a" | "b"){1,3} "c"{,2} "d"{2,}`, []string{"add", "abadd", "bccddd"}, []string{"dd", "ababdd", "acccdd", "ad"}},
		{`root ::= "\x41\u00e9\U0001F642\"\\\n"`, []string{"Aé🙂\"\\\n"}, nil},
		{`root ::= [-a\]\\^]+`, []string{"-a]\\^"}, []string{"b"}},
		{`root ::= "(" root ")" | ""`, []string{"", "()", "((()))"}, []string{"(", "(()", "())"}},
		{`root ::= ("a"* "b"*)* "c"?`, []string{"", "abba", "bac", "c"}, []string{"ca"}},
		{`root ::= x
x ::= y "+" x | y
y ::= [0-9]+ | "(" x ")"`, []string{"1", "1+2", "(1+(23))+4"}, []string{"", "+", "1+", "(1"}},
		{`root ::= ""`, []string{""}, []string{"a"}},
	} {
		g, err := Parse(c.grammar)
		require.NoError(t, err, c.grammar)
		for _, s := range c.yes {
			require.True(t, g.Matches(s), "%s: %q", c.grammar, s)
		}
		for _, s := range c.no {
			require.False(t, g.Matches(s), "%s: %q", c.grammar, s)
		}
	}
}

func TestParseFails(t *testing.T) {
	for text, want := range map[string]string{
		"root ::= []":                    "no text fits",
		"root ::= x\nx ::= x":            "no text fits",
		"":                               "no rule root",
		`x ::= "a"`:                      "no rule root",
		`root ::= x`:                     `rule "x" is used`,
		"root ::= \"a\"\nroot ::= \"b\"": "line 2, column 9: rule \"root\" is there twice",
		`root ::= "a`:                    "line 1, column 12: a literal has no end",
		`root ::= [a`:                    "a class has no end",
		`root ::= [b-a]`:                 "is empty",
		`root ::= ("a"`:                  "expected )",
		`root ::= "a")`:                  "expected a new line, found \")\"",
		`root = "a"`:                     "expected ::= behind \"root\"",
		`::= "a"`:                        "name of a rule",
		`root ::= "a"{3,2}`:              "second number is smaller",
		`root ::= "a"{99999}`:            "repetitions",
		`root ::= "a"{x}`:                "expected {n}",
		`root ::= "\q"`:                  "unknown escape \"\\\\q\"",
		`root ::= "\u12"`:                "4 hexadecimal digits",
		`root ::= "\uD800"`:              "no character",
		`root ::= <think>`:               "tokens",
		`root ::= root "a" | "b"`:        `rule "root" begins with itself`,
		"root ::= a\na ::= b? root \"x\" | \"y\"\nb ::= \"b\"": "begins with itself",
		"root ::= \"\xff\"":                             "UTF-8",
		"root ::= " + strings.Repeat("(", 1000):         "nested",
		"root ::= " + strings.Repeat(`"a"{30000} `, 50): "too large",
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, gguf.ErrInput, text)
		require.ErrorContains(t, err, want)
	}
}

// pieces is a tokenizer with the given texts; the first token ends, the second is a control token.
type pieces []string

func (p pieces) Size() int             { return len(p) }
func (p pieces) Piece(id int32) []byte { return []byte(p[id]) }
func (p pieces) IsText(id int32) bool  { return id > 1 }
func (p pieces) IsEOG(id int32) bool   { return id == 0 }

// TestMask: the tokens that fit are those behind which the text may go on or end, by trying each.
func TestMask(t *testing.T) {
	tok := pieces{"<end>", "yes", "y", "ye", "yes", "e", "es", "s", "no", "n", "yesno", "\xc3", "\xa9", "é", "", "yet"}
	v := NewVocabulary(tok)
	g, err := Parse(`root ::= "yes" | "yé" | "no"`)
	require.NoError(t, err)
	for _, c := range []struct {
		before []int32
		fits   []int32
	}{
		{nil, []int32{2, 3, 4, 8, 9}}, {[]int32{2}, []int32{5, 6, 11, 13}}, {[]int32{2, 11}, []int32{12}}, {[]int32{2, 11, 12}, []int32{0}},
		{[]int32{3}, []int32{7}}, {[]int32{4}, []int32{0}}, {[]int32{9}, nil},
	} {
		k := g.Constrain(v)
		for _, id := range c.before {
			require.NoError(t, k.Accept(id))
		}
		logits := make([]float32, len(tok)+3) // models have more rows than tokens
		err := k.Mask(logits)
		if c.fits == nil {
			require.ErrorContains(t, err, "no token of the model's vocabulary")
			continue
		}
		require.NoError(t, err)
		var fits []int32
		for i, l := range logits {
			if l == 0 {
				fits = append(fits, int32(i))
			}
		}
		require.Equal(t, c.fits, fits, "behind %v", c.before)
		n, err := k.Count()
		require.NoError(t, err)
		require.Equal(t, len(fits), n)
	}
	k := g.Constrain(v)
	require.ErrorContains(t, k.Accept(7), `"s" does not fit`)
}

// TestRenew: what is forgotten to bound memory is found again.
func TestRenew(t *testing.T) {
	g, err := Parse(`root ::= ("(" root ")" | [a-z]){0,20}`)
	require.NoError(t, err)
	m, at := newMachine(g)
	r := rand.New(rand.NewPCG(1, 2))
	depth, text := 0, ""
	for range 3000 {
		b := byte('a' + r.IntN(26))
		if r.IntN(3) == 0 {
			b = "()"[r.IntN(2)]
		}
		next := m.step(at, b)
		keep := []int32{at, next}
		ends := m.mayEnd(next)
		m.renew(keep)
		require.Equal(t, ends, m.mayEnd(keep[1]))
		require.Equal(t, keep[1], m.step(keep[0], b))
		if next != 0 {
			text, at = text+string(b), keep[1]
			depth += strings.Count(string(b), "(") - strings.Count(string(b), ")")
			require.Equal(t, ends, depth == 0, text)
		} else {
			at = keep[0]
		}
	}
}

// TestAmbiguous: more ways to read a text than can be followed are an error, and take no time.
func TestAmbiguous(t *testing.T) {
	text := "root ::= " + strings.Repeat("(", 100) + `"a"` + strings.Repeat("*)*", 100)
	g, err := Parse(text)
	require.NoError(t, err)
	c := g.Constrain(NewVocabulary(pieces{"<end>", "", "a", "aaaaaaaa"}))
	for range 20 {
		if err = c.Accept(3); err != nil {
			require.ErrorContains(t, err, "too many ways")
			return
		}
	}
	require.True(t, c.MayEnd())
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`root ::= "a" | [b-d]* (x "e"){1,3}` + "\nx ::= . [^\\x41]", `root ::= root "a" | "b"`, `root ::= "(" root ")" | ""`,
		"root ::= \"a\" # c\n|\n\"b\"?+*"} {
		f.Add(s, "abc")
	}
	f.Fuzz(func(t *testing.T, grammar, text string) {
		if g, err := Parse(grammar); err == nil {
			g.Matches(text)
		} else {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
	})
}

// FuzzSchema: a schema is an error or a grammar that is compiled.
func FuzzSchema(f *testing.F) {
	for _, c := range schemaCases {
		f.Add(c.schema)
	}
	f.Fuzz(func(t *testing.T, schema string) {
		text, err := Schema([]byte(schema))
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		begin := time.Now()
		_, err = Parse(text)
		if err != nil && !strings.Contains(err.Error(), "too large") && !strings.Contains(err.Error(), "begins with itself") && !strings.Contains(err.Error(), "no text fits") {
			t.Errorf("%v\n%s (%v)", err, text, time.Since(begin))
		}
	})
}
