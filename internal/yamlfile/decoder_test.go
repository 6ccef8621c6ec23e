package yamlfile

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

var errShape = errors.New("wrong shape")

// shape is a file with one value of each kind.
type shape struct {
	word, text, day, sum string
	n                    int64
	v                    float64
	yes                  bool
	list                 []string
	pairs                map[string]string
}

func read(text string) (*shape, error) {
	s := &shape{pairs: map[string]string{}}
	root, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	d := &Decoder{File: "f.yaml", What: "the file", Err: errShape}
	return s, d.Fields(root, "", map[string]Field{
		"word": d.OneOf(&s.word, "a", "b"), "text": d.Text(&s.text), "day": d.Date(&s.day), "sum": d.SHA256(&s.sum), "yes": d.Bool(&s.yes),
		"n": d.Count(&s.n, 1, 1000), "v": d.Number(&s.v, "a share", func(v float64) bool { return v <= 1 }),
		"list": d.List(d.Parsed("letters", func(t string) bool { s.list = append(s.list, t); return t != "1" })),
		"pairs": d.Pairs(func(k, v *yaml.Node, key string) error {
			var t string
			err := d.Text(&t)(v, key)
			s.pairs[k.Value] = t
			return err
		}),
	})
}

func TestDecoder(t *testing.T) {
	sum := "0000000000000000000000000000000000000000000000000000000000000abc"
	s, err := read("word: b\ntext: some\nday: 2026-12-31\nsum: sha256:" + sum + "\nyes: true\nn: 1_00\nv: 0.5\nlist: [x, y]\npairs: {one: two}\n")
	require.NoError(t, err)
	require.Equal(t, &shape{"b", "some", "2026-12-31", sum, 100, 0.5, true, []string{"x", "y"}, map[string]string{"one": "two"}}, s)
	_, err = read(`{"word": "a"}`)
	require.NoError(t, err, "JSON is YAML")
}

func TestMessages(t *testing.T) {
	for text, want := range map[string]string{
		"[1]":                  "f.yaml: line 1: the file: found a list, expected lines of KEY: VALUE",
		"wrd: a":               `f.yaml: line 1: the file: unknown key: found "wrd", expected one of day, list, n, pairs, sum, text, v, word, yes; did you mean word?`,
		"text: x\ntext: y":     "f.yaml: line 2: text: appears twice, first in line 1",
		"\nword: c":            `f.yaml: line 2: word: found "c", expected one of a, b`,
		"word:":                `f.yaml: line 1: word: found "", expected one of a, b`,
		"text: {}":             "f.yaml: line 1: text: found a mapping, expected a text",
		"text: &x a\nword: *x": "f.yaml: line 2: word: found an alias (*), which is not read here, expected one of a, b",
		"n: 0":                 `f.yaml: line 1: n: found "0", expected a whole number between 1 and 1000`,
		"n: 1e3":               `f.yaml: line 1: n: found "1e3"`,
		"v: 2":                 `f.yaml: line 1: v: found "2", expected a share`,
		"v: .inf":              `f.yaml: line 1: v: found ".inf", expected a share`,
		"yes: yes":             `f.yaml: line 1: yes: found "yes", expected true or false`,
		"day: 31.12.2026":      `f.yaml: line 1: day: found "31.12.2026", expected a date such as 2026-12-31`,
		"sum: abc":             `f.yaml: line 1: sum: found "abc", expected a SHA-256 of 64 hexadecimal digits`,
		"list:\n- x\n- 1":      `f.yaml: line 3: list[1]: found "1", expected letters`,
		"list: x":              `f.yaml: line 1: list: found "x", expected a list`,
		"pairs: {a: b, a: c}":  "f.yaml: line 1: pairs.a: appears twice, first in line 1",
		"pairs: {[x]: b}":      "f.yaml: line 1: pairs: found a list, expected a name",
		"pairs: {a: ''}":       `f.yaml: line 1: pairs.a: found "", expected a text`,
		"pairs: [a]":           "f.yaml: line 1: pairs: found a list, expected lines of NAME: VALUE",
	} {
		_, err := read(text)
		require.ErrorIs(t, err, errShape, text)
		require.ErrorContains(t, err, want, text)
	}
	for text, want := range map[string]string{"": "the file is empty", "# only a comment": "the file is empty", "a: [": "not YAML or JSON", "a: 1\n---\nb: 2": "more than one YAML document"} {
		_, err := read(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("word: b\nlist: [x]\npairs: {a: b}\n")
	f.Add("text: &x a\nword: *x\n<<: {n: 3}")
	f.Add("!!map {n: 1_0, v: 1e400}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := read(text)
		if err == nil {
			require.LessOrEqual(t, s.n, int64(1000))
		}
	})
}
