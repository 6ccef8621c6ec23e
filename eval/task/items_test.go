package task

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func lookup(t testing.TB, name string) Task {
	t.Helper()
	task, ok := Lookup(name)
	require.True(t, ok, name)
	return task
}

func parse(t testing.TB, task, data string) *Items {
	t.Helper()
	it, err := Parse(lookup(t, task), "dir/items", []byte(data))
	require.NoError(t, err)
	return it
}

// binaryChoices writes llama-perplexity's file of multiple-choice items.
func binaryChoices(items ...choices) []byte {
	text := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	var offsets, body []byte
	for _, c := range items {
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(4+4*len(items)+len(body)))
		body = text(body, c.context)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(c.answers)))
		for _, a := range c.answers {
			body = text(body, a)
		}
		for i := range c.answers {
			label := uint32(0)
			if i == c.gold {
				label = 1
			}
			body = binary.LittleEndian.AppendUint32(body, label)
		}
		body = binary.LittleEndian.AppendUint32(body, 0) // no second set
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(items))), append(offsets, body...)...)
}

var sky = choices{context: "The sky is", answers: []string{"blue.", "made of cheese."}, gold: 0}

func TestParse(t *testing.T) {
	at := func(n int, c choices) choices { c.place = lineAt(n); return c }
	for _, c := range []struct {
		name, task, data string
		want             []Item
	}{
		{"hellaswag", "hellaswag", "A man: he\n 2\na\nb\nc\r\nd\nA dog: it\n0\ne\nf\ng\nh", []Item{
			choices{lineAt(1), "A man: he", []string{"a", "b", "c", "d"}, 2},
			choices{lineAt(7), "A dog: it", []string{"e", "f", "g", "h"}, 0}}},
		{"blank lines at the end", "hellaswag", "x\n0\na\nb\nc\nd\n\n\n", []Item{choices{lineAt(1), "x", []string{"a", "b", "c", "d"}, 0}}},
		{"winogrande CSV", "winogrande", "index,sentence,choice1,choice2,answer\n0,\"Sarah, not Maria, so _ won a \"\"cup\"\".\",Sarah,Maria,2\n\n1,He saw _ run.,Al,Bo,1",
			[]Item{gap{lineAt(2), [2]string{"Sarah, not Maria, so Sarah", "Sarah, not Maria, so Maria"}, ` won a ""cup"".`, 1},
				gap{lineAt(4), [2]string{"He saw Al", "He saw Bo"}, " run.", 0}}},
		{"winogrande JSON", "winogrande", `{"context_options": ["He saw Al", "He saw Bo"], "continuation": "run.", "gold": 1}`,
			[]Item{gap{lineAt(1), [2]string{"He saw Al", "He saw Bo"}, " run.", 1}}},
		{"multiple choice", "arc-easy", "\n" + `{"query": "The sky is", "choices": ["blue.", "made of cheese."], "gold": 0, "id": 7}` + "\n", []Item{at(2, sky)}},
		{"binary", "multiple-choice", string(binaryChoices(sky)), []Item{choices{"item 1", sky.context, sky.answers, 0}}},
		{"lambada", "lambada", "the cat sat  down \n\na dog ran\n", []Item{passage{lineAt(1), "the cat sat ", " down"}, passage{lineAt(3), "a dog", " ran"}}},
		{"lambada JSON", "lambada", `{"text": "Hi, said\nBo"}`, []Item{passage{lineAt(1), "Hi, said", "\nBo"}}},
		{"gsm8k", "gsm8k", `{"question": "6x7?", "answer": "It is 6*7=42.\n#### 1,042.50"}`,
			[]Item{problem{lineAt(1), "6x7?", "It is 6*7=42.\n#### 1,042.50", "1042.5"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			it := parse(t, c.task, c.data)
			require.Equal(t, c.want, it.list)
			require.Equal(t, "items", it.Name)
			require.Equal(t, len(c.want), it.Len())
		})
	}
}

func TestParseRejects(t *testing.T) {
	two := binaryChoices(sky, sky)
	spoil := func(at int, v uint32) string {
		b := bytes.Clone(two)
		binary.LittleEndian.PutUint32(b[at:], v)
		return string(b)
	}
	label := bytes.Index(two, []byte("cheese.")) + len("cheese.")
	for _, c := range []struct{ name, task, data, want string }{
		{"nothing", "hellaswag", "", "has no items; hellaswag needs text"},
		{"five lines", "hellaswag", "x\n0\na\nb\nc", "has 5 lines, which is not a multiple of 6"},
		{"gold", "hellaswag", "x\n4\na\nb\nc\nd", `line 2: the number of an ending must be between 0 and 3 (got "4")`},
		{"gold word", "hellaswag", "x\n0\na\nb\nc\nd\nx\nzero\na\nb\nc\nd", `line 8: the number of an ending must be between 0 and 3 (got "zero")`},
		{"empty ending", "hellaswag", "x\n0\na\n\nc\nd", "line 4: the ending is empty"},
		{"fields", "winogrande", "0,a _ b,c", "line 1: 3 fields, 5 are expected"},
		{"no gap", "winogrande", "0,a b,c,d,1", "line 1: the sentence has no gap"},
		{"answer", "winogrande", "0,a _ b,c,d,1\n1,a _ b,c,d,3", `line 2: the answer is "3"`},
		{"same choices", "winogrande", "0,a _ b,c,c,1", "both choices"},
		{"nothing follows", "winogrande", "0,a _,c,d,1", "nothing follows the gap"},
		{"open quote", "winogrande", "0,\"a _ b,c,d,1", "line 1: 2 fields"},
		{"one option", "winogrande", `{"context_options": ["a"], "continuation": "b", "gold": 0}`, `two "context_options"`},
		{"no gold", "winogrande", `{"context_options": ["a", "b"], "continuation": "b"}`, `a "gold" of 0 or 1`},
		{"not JSON", "arc-easy", "{\"query\": \"q\"\n", "line 1: no JSON object"},
		{"gold missing", "arc-easy", `{"query": "q", "choices": ["a", "b"]}`, `"gold", the number of the right choice, is missing`},
		{"gold too large", "arc-easy", `{"query": "q", "choices": ["a", "b"], "gold": 2}`, "number 2 of 0 to 1"},
		{"one choice", "mmlu", `{"query": "q", "choices": ["a"], "gold": 0}`, "1 choices, 2 to 100"},
		{"empty choice", "mmlu", `{"query": "q", "choices": ["a", ""], "gold": 0}`, "choice 1 is empty"},
		{"empty question", "mmlu", `{"query": "", "choices": ["a", "b"], "gold": 0}`, "the question is empty"},
		{"too many items", "mmlu", spoil(0, 1<<23), "starts like a binary file of 8388608 items, but has only"},
		{"no items", "mmlu", "\x00\x00\x00\x00", "has no items"},
		{"offset", "mmlu", spoil(8, 4), "item 2: begins at byte 4, outside of"},
		{"far offset", "mmlu", spoil(8, 1<<30), "item 2: begins at byte 1073741824"},
		{"long string", "mmlu", spoil(12, 1<<31), "item 1: truncated: 2147483648 bytes needed, 112 left"},
		{"many answers", "mmlu", spoil(12+4+len(sky.context), 101), "item 1: 101 answers, at most 100"},
		{"cut off", "mmlu", string(two[:len(two)-2]), "item 2: truncated: 4 bytes needed, 2 left"},
		{"none right", "mmlu", spoil(label, 0), "item 1: none of its 2 answers"},
		{"both right", "mmlu", spoil(label+4, 1), "item 1: answers 0 and 1 are both marked right"},
		{"one word", "lambada", "the cat\nword", "line 2: a passage of at least two words"},
		{"no text", "lambada", `{"txt": "a b"}`, "line 1: a passage of at least two words"},
		{"no number", "gsm8k", `{"question": "q", "answer": "#### none"}`, "no number after ####"},
		{"no mark", "gsm8k", `{"question": "q", "answer": "42"}`, "ends in ####"},
		{"gzip", "lambada", "\x1f\x8bxx", "items: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(lookup(t, c.task), "dir/items", []byte(c.data))
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, "dir/items")
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestReadUnpacks(t *testing.T) {
	const text = "the cat sat down\na dog ran\n"
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write([]byte(text))
	require.NoError(t, w.Close())
	bz, err := hex.DecodeString(bzipped)
	require.NoError(t, err)
	dir := t.TempDir()
	want := parse(t, "lambada", text).list
	for name, raw := range map[string][]byte{"a.txt": []byte(text), "a.txt.gz": gz.Bytes(), "a.txt.bz2": bz} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		it, err := Read(lookup(t, "LAMBADA"), path)
		require.NoError(t, err)
		require.Equal(t, want, it.list)
		sum := sha256.Sum256(raw)
		require.Equal(t, []any{name, hex.EncodeToString(sum[:]), int64(len(raw))}, []any{it.Name, it.SHA256, it.Bytes})
	}
	_, err = Read(lookup(t, "lambada"), filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = Read(lookup(t, "lambada"), dir)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "is a folder")
	_, err = Parse(lookup(t, "lambada"), "a.bz2", bz[:len(bz)-9])
	require.ErrorIs(t, err, gguf.ErrInput)
}

// TestItemsAreUTF8: in text, in JSON, whose reader would put other letters, and in the strings of binary files.
func TestItemsAreUTF8(t *testing.T) {
	for task, data := range map[string]string{
		"hellaswag": "gr\xfcn\n0\na\nb\nc\nd\n",
		"arc-easy":  `{"query":"gr` + "\xfc" + `n","choices":["a","b"],"gold":0}`,
	} {
		_, err := Parse(lookup(t, task), "dir/items", []byte(data))
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, "dir/items: byte 0xfc at offset ", task)
	}
	_, err := Parse(lookup(t, "arc-easy"), "dir/items", binaryChoices(choices{context: "a", answers: []string{"b", "\xfc"}}))
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "is not UTF-8")
	_, err = Parse(lookup(t, "hellaswag"), "dir/items", []byte("a\x00\xff\n")) // no binary file: none is of this task
	require.ErrorContains(t, err, "offset 2 is not UTF-8")
}

// TestItemsByteOrderMark: before JSON it is nothing, before text it is text, as for llama-perplexity.
func TestItemsByteOrderMark(t *testing.T) {
	it := parse(t, "arc-easy", "\ufeff"+`{"query":"q","choices":["a","b"],"gold":0}`)
	require.Equal(t, "q", it.list[0].(choices).context)
	it = parse(t, "hellaswag", "\ufeffq\n0\na\nb\nc\nd\n")
	require.Equal(t, "\ufeffq", it.list[0].(choices).context)
}

// bzipped is the text of TestReadUnpacks, by bzip2.
const bzipped = "425a6839314159265359ae1bb2ac00000cd180001040002ec19c80200021a9a68f530d210000201e286eda99d5af656023628fc5dc914e14242b86ecab00"

func TestRegistry(t *testing.T) {
	_, ok := Lookup("arc_EASY")
	require.True(t, ok)
	_, ok = Lookup("chess")
	require.False(t, ok)
	for _, task := range All() {
		require.NotEmpty(t, task.About)
		require.NotEmpty(t, task.Format)
		require.NotNil(t, task.parse)
		require.NotNil(t, task.draw)
		require.Equal(t, strings.ToLower(task.Name), task.Name)
	}
}
