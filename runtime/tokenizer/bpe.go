package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"golang.org/x/text/unicode/norm"
)

// ByteBPE joins the bytes of a word, written as printable characters, in the order of the merges.
type ByteBPE struct {
	ids          func(token string) (int32, bool)
	ranks        map[[2]string]int
	ignoreMerges bool
}

// NewByteBPE knows tokens by ids. With ignoreMerges a word that is a token is taken whole.
func NewByteBPE(ids func(token string) (int32, bool), merges [][2]string, ignoreMerges bool) *ByteBPE {
	b := &ByteBPE{ids: ids, ranks: make(map[[2]string]int, len(merges)), ignoreMerges: ignoreMerges}
	for i, m := range merges {
		if _, ok := b.ranks[m]; !ok {
			b.ranks[m] = i
		}
	}
	return b
}

// Append appends the ids of one word.
func (b *ByteBPE) Append(ids []int32, text string) []int32 {
	word := toPrintable(text)
	if b.ignoreMerges {
		if id, ok := b.ids(word); ok {
			return append(ids, id)
		}
	}
	var symbols []symbol
	for i := 0; i < len(word); {
		_, n := utf8.DecodeRuneInString(word[i:])
		symbols = append(symbols, symbol{start: i, end: i + n})
		i += n
	}
	rank := func(l, r string) (float64, bool) {
		v, ok := b.ranks[[2]string{l, r}]
		return float64(v), ok
	}
	merge(word, symbols, rank, func(piece string) {
		if id, ok := b.ids(piece); ok {
			ids = append(ids, id)
			return
		}
		// A merge that makes no token: its characters are tokens of their own.
		for _, r := range piece {
			if id, ok := b.ids(string(r)); ok {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

// mostSeen bounds the words whose ids are copied when they come again, as nearly all words of a long text do.
const mostSeen = 1 << 16

// bpe is byte-level BPE: a text is split, and each part is joined by itself.
type bpe struct {
	t     *Tokenizer
	split *Splitter
	pre   names.PreTokenizer
	words *ByteBPE
}

func newBPE(t *Tokenizer, pre string, merges []string) (*bpe, error) {
	s, p, err := splitterFor(pre)
	if err != nil {
		return nil, err
	}
	pairs := make([][2]string, len(merges))
	for i, m := range merges {
		// The separating space is the first one behind the first character: a part may begin with one.
		at := strings.IndexByte(m[min(1, len(m)):], ' ')
		if at < 0 {
			return nil, fmt.Errorf("%w: tokenizer.ggml.merges: merge %d does not have two parts (got %q)", gguf.ErrInput, i, m)
		}
		pairs[i] = [2]string{m[:at+1], m[at+2:]}
	}
	lookup := func(token string) (int32, bool) { id, ok := t.ids[token]; return id, ok }
	return &bpe{t, s, p, NewByteBPE(lookup, pairs, p.IgnoreMerges)}, nil
}

func (b *bpe) encode(ids []int32, text string) ([]int32, error) {
	if b.pre.NFC {
		text = norm.NFC.String(text)
	}
	seen := map[string][2]int{} // where in ids a word's are
	for _, word := range b.split.Split(text) {
		if at, ok := seen[word]; ok {
			ids = append(ids, ids[at[0]:at[1]]...)
			continue
		}
		from := len(ids)
		ids = b.words.Append(ids, word)
		if len(seen) < mostSeen {
			seen[word] = [2]int{from, len(ids)}
		}
	}
	return ids, nil
}

func (b *bpe) piece(id int32) []byte {
	token := b.t.tokens[id]
	out := make([]byte, 0, len(token))
	for _, r := range token {
		if v, ok := fromPrintable[r]; ok {
			out = append(out, v)
		} else {
			out = utf8.AppendRune(out, r)
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

func toPrintable(s string) string {
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(printable[s[i]])
	}
	return out.String()
}
