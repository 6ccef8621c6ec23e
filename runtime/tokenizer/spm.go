package tokenizer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// spm is SentencePiece BPE: characters are joined in the order of the scores of what they make, of equal ones the
// left first.
type spm struct {
	t      *Tokenizer
	scores []float32
	prefix bool       // a space goes before a text
	bytes  [256]int32 // the tokens for single bytes, -1 where there is none
}

const lowerBlock = "▁" // stands for a space

func newSPM(t *Tokenizer, scores []float32, prefix bool) (*spm, error) {
	if scores == nil {
		scores = make([]float32, len(t.tokens))
	}
	if len(scores) < len(t.tokens) {
		return nil, fmt.Errorf("%w: tokenizer.ggml.scores has %d entries for %d tokens", gguf.ErrInput, len(scores), len(t.tokens))
	}
	s := &spm{t: t, scores: scores, prefix: prefix}
	for b := range s.bytes {
		s.bytes[b] = -1
		for _, name := range []string{fmt.Sprintf("<0x%02X>", b), string([]byte{byte(b)})} {
			if id, ok := t.ids[name]; ok {
				s.bytes[b] = id
				break
			}
		}
	}
	return s, nil
}

// width is the length of a character by the first of its bytes.
var width = [16]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4}

func (s *spm) encode(ids []int32, text string) (_ []int32, err error) {
	if s.prefix {
		text = " " + text
	}
	text = strings.ReplaceAll(text, " ", lowerBlock)
	var symbols []symbol
	for i := 0; i < len(text); {
		end := min(i+width[text[i]>>4], len(text))
		symbols = append(symbols, symbol{start: i, end: end})
		i = end
	}
	var joined []byte
	rank := func(a, b string) (float64, bool) {
		joined = append(append(joined[:0], a...), b...)
		id, ok := s.t.ids[string(joined)]
		if !ok {
			return 0, false
		}
		return -float64(s.scores[id]), true
	}
	merge(text, symbols, rank, func(piece string) {
		if id, ok := s.t.ids[piece]; ok {
			ids = append(ids, id)
			return
		}
		for _, b := range []byte(piece) {
			if s.bytes[b] < 0 {
				err = fmt.Errorf("%w: tokenizer: the vocabulary has no token for %q and none for byte 0x%02X of it", gguf.ErrInput, piece, b)
				return
			}
			ids = append(ids, s.bytes[b])
		}
	})
	return ids, err
}

func (s *spm) piece(id int32) []byte {
	token := s.t.tokens[id]
	if s.t.types[id] == byteToken && len(token) >= 5 {
		if b, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
			return []byte{byte(b)}
		}
	}
	return bytes.ReplaceAll([]byte(token), []byte(lowerBlock), []byte(" "))
}

func (s *spm) stripsSpace() bool { return s.prefix }
