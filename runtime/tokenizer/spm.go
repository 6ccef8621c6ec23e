package tokenizer

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// spm is SentencePiece BPE: characters are joined in the order of the scores of what they make, of equal ones the
// left first.
type spm struct {
	t      *Tokenizer
	scores []float32
	prefix bool // a space goes before a text
	bytes  byteTokens
	words  bool // no token reaches over the beginning of a word
}

func newSPM(t *Tokenizer, scores []float32, prefix bool) (*spm, error) {
	scores, err := t.scores(scores)
	if err != nil {
		return nil, err
	}
	return &spm{t, scores, prefix, t.byteTokens(), !slices.ContainsFunc(t.tokens, reachesOver)}, nil
}

// scores are those of the tokens; 0 where a file has none.
func (t *Tokenizer) scores(scores []float32) ([]float32, error) {
	if scores == nil {
		scores = make([]float32, len(t.tokens))
	}
	if len(scores) < len(t.tokens) {
		return nil, fmt.Errorf("%w: tokenizer.ggml.scores has %d entries for %d tokens", gguf.ErrInput, len(scores), len(t.tokens))
	}
	return scores, nil
}

// byteTokens are the tokens for single bytes, -1 where there is none.
type byteTokens [256]int32

func (t *Tokenizer) byteTokens() (out byteTokens) {
	for b := range out {
		out[b] = -1
		for _, name := range []string{fmt.Sprintf("<0x%02X>", b), string([]byte{byte(b)})} {
			if id, ok := t.ids[name]; ok {
				out[b] = id
				break
			}
		}
	}
	return out
}

// append appends the tokens for the bytes of a piece that is no token.
func (t *byteTokens) append(ids []int32, piece string) ([]int32, error) {
	for _, b := range []byte(piece) {
		if t[b] < 0 {
			return ids, fmt.Errorf("%w: tokenizer: the vocabulary has no token for %q and none for byte 0x%02X of it", gguf.ErrInput, piece, b)
		}
		ids = append(ids, t[b])
	}
	return ids, nil
}

// width is the length of a character by the first of its bytes.
var width = [16]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4}

// number is the id of a token, -1 for what is none.
func (t *Tokenizer) number(piece string) int32 {
	if id, ok := t.ids[piece]; ok {
		return id
	}
	return -1
}

// characters appends symbols for those of a text, numbered by the tokens that they are.
func (t *Tokenizer) characters(symbols []symbol, text string) []symbol {
	for i := 0; i < len(text); {
		end := min(i+width[text[i]>>4], len(text))
		symbols = append(symbols, symbol{id: t.number(text[i:end]), start: i, end: end})
		i = end
	}
	return symbols
}

func (s *spm) encode(ids []int32, text string) (_ []int32, err error) {
	if s.prefix {
		text = " " + text
	}
	text = strings.ReplaceAll(text, " ", lowerBlock)
	if !s.words {
		return s.append(ids, text)
	}
	seen := memory{}
	eachWord(text, func(word string) {
		if err == nil {
			ids = seen.append(ids, word, func(ids []int32, word string) []int32 {
				ids, err = s.append(ids, word)
				return ids
			})
		}
	})
	return ids, err
}

// append appends the ids of a text with ▁ for spaces.
func (s *spm) append(ids []int32, text string) (_ []int32, err error) {
	rank := func(l, r *symbol) (float64, int32, bool) {
		id := s.t.number(text[l.start:r.end])
		if id < 0 {
			return 0, 0, false
		}
		return -float64(s.scores[id]), id, true
	}
	var buf [few]symbol
	merge(s.t.characters(buf[:0], text), rank, func(c *symbol) {
		switch {
		case c.id >= 0:
			ids = append(ids, c.id)
		case err == nil:
			ids, err = s.bytes.append(ids, text[c.start:c.end])
		}
	})
	return ids, err
}

func (s *spm) piece(id int32) []byte { return s.t.spacedPiece(id) }

// spacedPiece is the text of a token in which ▁ stands for a space, or the byte that it stands for.
func (t *Tokenizer) spacedPiece(id int32) []byte {
	token := t.tokens[id]
	if t.types[id] == byteToken && len(token) >= 5 {
		if b, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
			return []byte{byte(b)}
		}
	}
	return bytes.ReplaceAll([]byte(token), []byte(lowerBlock), []byte(" "))
}

func (s *spm) stripsSpace() bool { return s.prefix }
