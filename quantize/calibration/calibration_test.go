package calibration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// files makes a folder of texts.
func files(list map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range list {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// paragraphs are n documents' worth of text.
func paragraphs(word string, n int) string {
	return strings.TrimSuffix(strings.Repeat(strings.Repeat(word+" ", shortest/(len(word)+1)+1)+"\n\n", n), "\n\n")
}

func sources(m *Mix) (out []string) {
	for _, d := range m.Documents {
		out = append(out, d.File)
	}
	return out
}

func TestTurns(t *testing.T) {
	m, err := Read(files(map[string]string{
		"b/one.txt": paragraphs("one", 3), "b/two.txt": paragraphs("two", 1), "a.txt": paragraphs("a", 2),
		"c/d/e.txt": paragraphs("e", 1), ".git/x.txt": "left out", "b/.hidden": "left out", "empty.txt": "\n\n", "picture.png": "\x89PNG\xff",
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"a.txt", "b/one.txt", "c/d/e.txt", "a.txt", "b/two.txt", "b/one.txt", "b/one.txt"}, sources(m))
	require.Equal(t, []string{"picture.png"}, m.LeftOut)
	require.Len(t, sumOf(m), 64)

	// Short documents make up for it by their number.
	m, err = Read(files(map[string]string{"a.jsonl": strings.Repeat("{\"text\": \""+strings.Repeat("a", shortest/2)+"\"}\n", 4), "b.txt": paragraphs("b", 2)}))
	require.NoError(t, err)
	require.Equal(t, []string{"a.jsonl", "b.txt", "a.jsonl", "a.jsonl", "b.txt", "a.jsonl"}, sources(m))
}

func TestConversations(t *testing.T) {
	m, err := Read(files(map[string]string{"chat.jsonl": "\ufeff" +
		`{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?\nWell?"}]}` + "\n\n" + `{"text": "Because."}`}))
	require.NoError(t, err)
	require.Len(t, m.Documents, 2)
	require.Equal(t, "System: Be brief.\n\nUser: Why?\nWell?\n\nBecause.", m.Text())
}

func TestRefusals(t *testing.T) {
	for want, list := range map[string]map[string]string{
		"the folder has no text":                   {"a.txt": "  \n"},
		"chat.jsonl: line 2: unexpected end":       {"chat.jsonl": "{\"text\": \"a\"}\n{"},
		"chat.jsonl: line 1 has neither text":      {"chat.jsonl": "{\"content\": \"a\"}"},
		"line 1: json: cannot unmarshal string in": {"a/chat.jsonl": "{\"messages\": \"a\"}"},
	} {
		_, err := Read(files(list))
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)
	}
	_, err := Read(os.DirFS(filepath.Join(t.TempDir(), "missing")))
	require.ErrorIs(t, err, gguf.ErrEnvironment)
}

func TestDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []int // bytes
	}{
		"short":         {"a\n\nb\n", []int{4}},
		"paragraphs":    {strings.Repeat("a", shortest) + "\n\n" + strings.Repeat("b", 10), []int{shortest, 10}},
		"lines":         {strings.Repeat(strings.Repeat("a", 99)+"\n", 40), []int{3199, 799}},
		"digits":        {strings.Repeat("1", shortest/digit+1) + "\n\n" + "b", []int{shortest/digit + 1, 1}},
		"one long line": {strings.Repeat("é", limit), []int{limit, limit}},
		"odd border":    {"a" + strings.Repeat("é", limit/2), []int{limit - 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, d := range documents("f", c.text) {
				require.True(t, utf8.ValidString(d.Text))
				got = append(got, len(d.Text))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// words is a tokenizer with one token a word; special text is one token.
type words struct{ bos bool }

func (words) Encode(text string, _, special bool) (ids []int32, err error) {
	if text == "bad" {
		return nil, fmt.Errorf("%w: bad", gguf.ErrInput)
	}
	if special {
		return []int32{-1}, nil
	}
	for _, w := range strings.Fields(text) {
		ids = append(ids, int32(len(w)))
	}
	return ids, nil
}

func (w words) BOS() (int32, bool) { return 99, w.bos }
func (w words) AddBOS() bool       { return w.bos }

func TestChunks(t *testing.T) {
	m := &Mix{Documents: []Document{{Text: "a bb ccc"}, {Messages: []Message{{"user", "hello"}}}, {Text: "dddd eeeee"}, {Text: "bad"}}}
	render := func(m []Message) (string, bool) { return "<user>hello</user>", m[0].Role == "user" }
	got, err := m.Chunks(words{}, render, 2, 3)
	require.NoError(t, err, "what is not needed is not read")
	require.Equal(t, [][]int32{{1, 2}, {3, -1}, {4, 5}}, got)
	got, err = m.Chunks(words{bos: true}, nil, 3, 2)
	require.NoError(t, err)
	require.Equal(t, [][]int32{{99, 2, 3}, {99, 5, 4}}, got)
	m.Documents = m.Documents[:3]
	_, err = m.Chunks(words{}, render, 4, 2)
	require.ErrorContains(t, err, "the texts have 6 tokens, but at least 8 are needed")
}

// TestDefault pins the text: another one makes other files of every build that names none.
func TestDefault(t *testing.T) {
	used, held := Default(), HeldOut()
	require.Equal(t, "94ef6bf318c4f4f9a569d12e00bb21931256564a12c54134249b274f28a81792", sumOf(used))
	require.Equal(t, "ee22b7b2db2d6c31be2367554fbfdabeca63bca06756734431332b4522e315b2", sumOf(held))
	for name, m := range map[string]*Mix{"used": used, "held out": held} {
		kinds := map[string]bool{}
		for _, d := range m.Documents[:9] {
			kind, _, _ := strings.Cut(d.File, "/")
			kinds[kind] = true
		}
		require.Len(t, kinds, 9, "the first documents of what is %s are of all kinds", name)
		require.Empty(t, m.LeftOut)
	}
	text := used.Text()
	for _, d := range held.Documents {
		require.NotContains(t, text, d.plain())
	}
	require.Greater(t, len(held.Text()), 40_000)
}

// sumOf is the SHA-256 of a mix's text.
func sumOf(m *Mix) string {
	sum := sha256.Sum256([]byte(m.Text()))
	return hex.EncodeToString(sum[:])
}
