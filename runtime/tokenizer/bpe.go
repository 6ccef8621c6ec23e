package tokenizer

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"golang.org/x/text/unicode/norm"
)

// ByteBPE joins the bytes of a word, written as printable characters, in the order of the merges.
type ByteBPE struct {
	merges mergeTable
	bytes  [256]int32 // their numbers
	whole  func(word string) (int32, bool)
}

// NewByteBPE knows tokens by the ids of vocab. With ignoreMerges a word that is a token is taken whole.
func NewByteBPE[ID int | int32](vocab map[string]ID, merges [][2]string, ignoreMerges bool) *ByteBPE {
	b := &ByteBPE{}
	number := numbering(vocab)
	for i, r := range printable {
		b.bytes[i] = number([]byte(string(r)))
	}
	b.merges = newMergeTable(number, merges)
	if ignoreMerges {
		b.whole = func(word string) (int32, bool) { id, ok := vocab[word]; return int32(id), ok }
	}
	return b
}

// Append appends the ids of one word.
func (b *ByteBPE) Append(ids []int32, word string) []int32 {
	if b.whole != nil {
		if id, ok := b.whole(Printable(word)); ok {
			return append(ids, id)
		}
	}
	var buf [few]symbol
	symbols := buf[:0]
	for i := range len(word) {
		symbols = append(symbols, symbol{id: b.bytes[word[i]], start: i, end: i + 1})
	}
	merge(symbols, b.merges.rank, func(s *symbol) {
		if s.id >= 0 {
			ids = append(ids, s.id)
			return
		}
		// A merge that makes no token: its bytes are tokens of their own.
		for _, c := range []byte(word[s.start:s.end]) {
			if id := b.bytes[c]; id >= 0 {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

// numbering gives texts the ids of their tokens, and numbers below -1 to those that are none.
func numbering[ID int | int32](vocab map[string]ID) func(text []byte) int32 {
	others := map[string]int32{}
	return func(text []byte) int32 {
		if id, ok := vocab[string(text)]; ok {
			return int32(id)
		}
		id, ok := others[string(text)]
		if !ok {
			id = int32(-2 - len(others))
			others[string(text)] = id
		}
		return id
	}
}

// mergeTable knows merges by the numbers of what they join.
type mergeTable map[uint64]joined

type joined struct{ rank, id int32 }

func newMergeTable(number func(text []byte) int32, merges [][2]string) mergeTable {
	t := make(mergeTable, len(merges))
	var text []byte
	for i, m := range merges {
		text = append(append(text[:0], m[0]...), m[1]...)
		n := len(m[0])
		key := pairOf(number(text[:n]), number(text[n:]))
		if _, again := t[key]; !again {
			t[key] = joined{int32(i), number(text)}
		}
	}
	return t
}

func pairOf(l, r int32) uint64 { return uint64(uint32(l))<<32 | uint64(uint32(r)) }

func (t mergeTable) rank(l, r *symbol) (float64, int32, bool) {
	j, ok := t[pairOf(l.id, r.id)]
	return float64(j.rank), j.id, ok
}

// splitMerges takes the entries of tokenizer.ggml.merges apart.
func splitMerges(merges []string) ([][2]string, error) {
	out := make([][2]string, len(merges))
	for i, m := range merges {
		// The separating space is the first one behind the first character: a part may begin with one.
		at := strings.IndexByte(m[min(1, len(m)):], ' ')
		if at < 0 {
			return nil, fmt.Errorf("%w: tokenizer.ggml.merges: merge %d does not have two parts (got %q)", gguf.ErrInput, i, m)
		}
		out[i] = [2]string{m[:at+1], m[at+2:]}
	}
	return out, nil
}

// bpe is byte-level BPE: a text is split, and each part is joined by itself.
type bpe struct {
	t     *Tokenizer
	split *Splitter
	pre   names.PreTokenizer
	words *ByteBPE
}

func newBPE(t *Tokenizer, split *Splitter, pre names.PreTokenizer, merges [][2]string) *bpe {
	return &bpe{t, split, pre, NewByteBPE(t.ids, merges, pre.IgnoreMerges)}
}

func (b *bpe) encode(ids []int32, text string) ([]int32, error) {
	if b.pre.NFC {
		text = norm.NFC.String(text)
	}
	seen := memory{}
	b.split.Each(text, func(word string) { ids = seen.append(ids, word, b.words.Append) })
	return ids, nil
}

func (b *bpe) piece(id int32) []byte {
	token := b.t.tokens[id]
	out := make([]byte, 0, len(token))
	for _, r := range token {
		if v, ok := fromPrintable[r]; ok {
			out = append(out, v)
		} else {
			out = append(out, string(r)...)
		}
	}
	return out
}

func (b *bpe) stripsSpace() bool { return false }

// printable writes every byte as a character (GPT-2's bytes_to_unicode): printable ones as themselves, the
// others from U+0100 on.
var printable, fromPrintable = func() (to [256]rune, from map[rune]byte) {
	from = make(map[rune]byte, 256)
	next := rune(256)
	for i := range 256 {
		r := rune(i)
		if !(i >= '!' && i <= '~' || i >= 0xa1 && i <= 0xac || i >= 0xae) {
			r = next
			next++
		}
		to[i] = r
		from[r] = byte(i)
	}
	return to, from
}()

// Printable writes the bytes of s as characters, as tokens of byte-level BPE are.
func Printable(s string) string {
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(printable[s[i]])
	}
	return out.String()
}
