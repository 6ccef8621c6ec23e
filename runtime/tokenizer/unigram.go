package tokenizer

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
)

// unigram is SentencePiece's other model (T5, XLM-R): of all ways to cut a text into tokens, the likeliest, whose scores
// are the logarithms of their probabilities.
type unigram struct {
	t       *Tokenizer
	scores  []float32
	tokens  *trie
	spell   spelling
	unknown float64 // score of a character that is no token
	bytes   *byteTokens
	byWords bool // no token reaches over the beginning of a word
}

// spelling is how a text is written before it is cut.
type spelling struct {
	chars  *charsmap // nil to leave characters as they are
	prefix bool      // a space goes before a text
	merge  bool      // of several spaces one is left, and none at the end
}

// unknownPenalty is how much less likely than the least likely token an unknown character is.
const unknownPenalty = 10

func newUnigram(t *Tokenizer, scores []float32, s spelling) (*unigram, error) {
	scores, err := t.scores(scores)
	if err == nil && t.unk < 0 {
		err = errNoUnknown(t)
	}
	if err != nil {
		return nil, err
	}
	u := &unigram{t: t, scores: slices.Clone(scores), spell: s}
	lowest := float32(math.MaxFloat32)
	ids := map[string]int32{}
	bytesKnown := 0
	_, u.byWords = t.ids[lowerBlock]
	for i, text := range t.tokens {
		switch t.types[i] {
		case normal:
			lowest = min(lowest, scores[i])
		case userDefined:
			u.scores[i] = 0 // so that they are taken
		case unused:
		case byteToken:
			bytesKnown++
			continue
		default:
			continue
		}
		ids[text] = int32(i)
		u.byWords = u.byWords && !reachesOver(text)
	}
	u.unknown = float64(lowest - unknownPenalty)
	u.tokens = newTrie(ids)
	if b := t.byteTokens(); bytesKnown == len(b) && !slices.Contains(b[:], -1) {
		u.bytes = &b
	}
	return u, nil
}

func (u *unigram) encode(ids []int32, text string) ([]int32, error) {
	text = u.spell.write(text)
	if !u.byWords {
		return u.append(ids, text), nil
	}
	seen := memory{}
	eachWord(text, func(word string) { ids = seen.append(ids, word, u.append) })
	return ids, nil
}

// best is the likeliest way to cut the text up to a place: from where the last token goes, and which it is.
type best struct {
	score float64
	from  int
	token int32
}

// append appends the tokens of a text as it is written: the Viterbi algorithm. Unknown characters next to each other
// are one unknown token, or their bytes where bytes are tokens.
func (u *unigram) append(ids []int32, text string) []int32 {
	if text == "" {
		return ids
	}
	ways := make([]best, len(text)+1)
	for i := range ways {
		ways[i].score = math.Inf(-1)
	}
	ways[0].score = 0
	take := func(from, to int, token int32, score float64) {
		if sum := ways[from].score + score; sum > ways[to].score {
			ways[to] = best{sum, from, token}
		}
	}
	for i := 0; i < len(text); {
		_, n := utf8.DecodeRuneInString(text[i:])
		known := false
		node := int32(0)
		for j := i; j < len(text); j++ {
			if node = u.tokens.child(node, text[j]); node < 0 {
				break
			}
			if id := u.tokens.nodes[node].token; id >= 0 {
				known = known || j+1 == i+n
				take(i, j+1, id, float64(u.scores[id]))
			}
		}
		if !known {
			take(i, i+n, u.t.unk, u.unknown)
		}
		i += n
	}
	from := len(ids)
	for at := len(text); at > 0; at = ways[at].from {
		way := ways[at]
		switch {
		case way.token != u.t.unk:
			ids = append(ids, way.token)
		case u.bytes != nil:
			for i := at - 1; i >= way.from; i-- {
				ids = append(ids, u.bytes[text[i]])
			}
		case len(ids) == from || ids[len(ids)-1] != u.t.unk:
			ids = append(ids, u.t.unk)
		}
	}
	slices.Reverse(ids[from:])
	return ids
}

// write normalizes a text, with ▁ for spaces.
func (s *spelling) write(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/4)
	inWord, begun := false, false
	put := func(part string) {
		for i := range len(part) {
			c := part[i]
			if c == ' ' {
				inWord = false
				if !s.merge {
					out.WriteString(lowerBlock)
				}
				continue
			}
			if !inWord && (s.merge || s.prefix && !begun) {
				if s.prefix || begun {
					out.WriteString(lowerBlock)
				}
			}
			inWord, begun = true, true
			out.WriteByte(c)
		}
	}
	for text != "" {
		n := 0
		if s.chars != nil {
			var with []byte
			if with, n = s.chars.longest(text); n > 0 {
				put(string(with))
			}
		}
		if n == 0 {
			var r rune
			if r, n = utf8.DecodeRuneInString(text); r == utf8.RuneError && n == 1 {
				put(string(utf8.RuneError))
			} else {
				put(text[:n])
			}
		}
		text = text[n:]
	}
	return out.String()
}

func (u *unigram) piece(id int32) []byte { return u.t.spacedPiece(id) }

func (u *unigram) stripsSpace() bool { return u.spell.prefix }

// charsmapOf reads tokenizer.ggml.precompiled_charsmap.
func charsmapOf(md *gguf.Metadata) (*charsmap, error) {
	v, _ := md.Get("tokenizer.ggml.precompiled_charsmap")
	switch v := v.(type) {
	case []byte:
		return newCharsmap(v)
	case []int8:
		b := make([]byte, len(v))
		for i, x := range v {
			b[i] = byte(x)
		}
		return newCharsmap(b)
	}
	return nil, nil
}
