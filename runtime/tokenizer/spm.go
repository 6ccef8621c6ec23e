package tokenizer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
)

// spm is SentencePiece BPE: characters are joined in the order of the scores of what they make.
type spm struct {
	t      *Tokenizer
	scores []float32
	prefix bool       // a space goes before a text
	bytes  [256]int32 // the byte tokens, -1 where there is none
}

const lowerBlock = "▁" // stands for a space

func newSPM(t *Tokenizer, scores []float32, prefix bool) (*spm, error) {
	if len(scores) != len(t.tokens) {
		return nil, fmt.Errorf("%w: tokenizer: %d scores for %d tokens", gguf.ErrInput, len(scores), len(t.tokens))
	}
	s := &spm{t: t, scores: scores, prefix: prefix}
	for b := range s.bytes {
		s.bytes[b] = -1
		if id, ok := t.ids[fmt.Sprintf("<0x%02X>", b)]; ok {
			s.bytes[b] = id
		}
	}
	return s, nil
}

func (s *spm) encode(ids []int32, text string, first bool) []int32 {
	if s.prefix && first {
		text = " " + text
	}
	text = strings.ReplaceAll(text, " ", lowerBlock)
	var symbols []symbol
	for i := 0; i < len(text); {
		_, n := utf8.DecodeRuneInString(text[i:])
		symbols = append(symbols, symbol{start: i, end: i + n})
		i += n
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
			if s.bytes[b] >= 0 {
				ids = append(ids, s.bytes[b])
			}
		}
	})
	return ids
}

func (s *spm) piece(token string) []byte {
	if len(token) == 6 && strings.HasPrefix(token, "<0x") {
		if b, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
			return []byte{byte(b)}
		}
	}
	return bytes.ReplaceAll([]byte(token), []byte(lowerBlock), []byte(" "))
}

func (s *spm) stripsSpace() bool { return s.prefix }
