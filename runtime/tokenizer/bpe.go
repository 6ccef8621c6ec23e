package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
	"golang.org/x/text/unicode/norm"
)

// bpe is byte-level BPE: a text is split, bytes are written as printable characters, and neighbours are
// joined in the order of the merges.
type bpe struct {
	t     *Tokenizer
	split splitter
	ranks map[[2]string]int
}

func newBPE(t *Tokenizer, pre string, merges []string) (*bpe, error) {
	s, err := splitterFor(pre)
	if err != nil {
		return nil, err
	}
	b := &bpe{t: t, split: s, ranks: make(map[[2]string]int, len(merges))}
	for i, m := range merges {
		// The separating space is the first one behind the first character: a part may begin with one.
		at := strings.IndexByte(m[min(1, len(m)):], ' ')
		if at < 0 {
			return nil, fmt.Errorf("%w: tokenizer: merge %d, %q, has no two parts", gguf.ErrInput, i, m)
		}
		key := [2]string{m[:at+1], m[at+2:]}
		if _, ok := b.ranks[key]; !ok {
			b.ranks[key] = i
		}
	}
	return b, nil
}

func (b *bpe) encode(ids []int32, text string, _ bool) []int32 {
	if b.split.nfc {
		text = norm.NFC.String(text)
	}
	for _, word := range b.split.split(text) {
		ids = b.word(ids, toPrintable(word))
	}
	return ids
}

// word appends the ids of one pre-token.
func (b *bpe) word(ids []int32, word string) []int32 {
	if b.split.ignoreMerges {
		if id, ok := b.t.ids[word]; ok {
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
		if id, ok := b.t.ids[piece]; ok {
			ids = append(ids, id)
			return
		}
		// A merge that makes no token: its characters are tokens of their own.
		for _, r := range piece {
			if id, ok := b.t.ids[string(r)]; ok {
				ids = append(ids, id)
			}
		}
	})
	return ids
}

func (b *bpe) piece(token string) []byte {
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
