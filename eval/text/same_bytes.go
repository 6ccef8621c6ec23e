package text

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"golang.org/x/text/unicode/norm"
)

// NewCorpora cuts texts for models whose tokenizers differ: one corpus for each tokenizer, in which chunks of the same
// number hold the same bytes, of which the same are scored; nil for a tokenizer that is nil. See the package comment for the rules. A fault of one
// tokenizer is a *TokenizerError.
func NewCorpora(texts []Text, toks []Tokenizer, o Options) ([]*Corpus, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	if o.Stride > 0 {
		return nil, fmt.Errorf("%w: --stride counts tokens, but the models' tokenizers differ: omit it", gguf.ErrInput)
	}
	out := make([]*Corpus, len(toks))
	per := make([][][]Window, len(toks)) // by tokenizer and text
	for k, tok := range toks {
		if tok != nil {
			out[k] = &Corpus{Texts: texts, Options: o}
		}
	}
	for i, t := range texts {
		text := norm.NFC.String(t.Data)
		readings := make([]*reading, len(toks))
		for k, tok := range toks {
			if tok == nil {
				continue
			}
			if readings[k], err = read(text, tok); err != nil {
				return nil, &TokenizerError{k, fmt.Errorf("%w: %s: %w", ErrTokenizers, t.label(), err)}
			}
			out[k].Tokens = append(out[k].Tokens, len(readings[k].ids))
		}
		spans := sameBytes(slices.DeleteFunc(slices.Clone(readings), func(r *reading) bool { return r == nil }), o.Context)
		need := 2
		if len(texts) > 1 {
			need = 1
		}
		if len(spans) < need {
			return nil, fmt.Errorf("%w: %s has %d chunks of up to %d tokens that start and end between tokens of all models; at least %d are needed: use more text or another --ctx",
				gguf.ErrInput, t.label(), len(spans), o.Context, need)
		}
		if t.Limit > 0 {
			spans = spans[:min(len(spans), max(1, t.Limit/(o.Context/2)))]
		}
		for k, r := range readings {
			if r == nil {
				continue
			}
			windows := make([]Window, len(spans))
			for j, c := range spans {
				windows[j] = r.cut(i, c)
			}
			per[k] = append(per[k], windows)
		}
	}
	for k, c := range out {
		if c != nil {
			c.inTurn(per[k])
		}
	}
	return out, nil
}

// reading is a text as one tokenizer reads it.
type reading struct {
	ids []int32
	at  []int // where in the text each token begins, and the text's length
	bos []int32
}

// read tokenizes text without special tokens and finds the bytes of every token.
func read(text string, tok Tokenizer) (*reading, error) {
	ids, err := tok.Encode(text, false, false)
	if err != nil {
		return nil, err
	}
	r := &reading{ids: ids}
	if bos, ok := tok.BOS(); ok && tok.AddBOS() {
		r.bos = []int32{bos}
	}
	at := 0
	for _, id := range ids {
		r.at = append(r.at, at)
		piece := string(tok.Piece(id))
		n, ok := spelt(text[at:], piece)
		if rest, space := strings.CutPrefix(piece, " "); !ok && space {
			n, ok = spelt(text[at:], rest) // a space that the tokenizer put in front of the text
		}
		if !ok {
			return nil, fmt.Errorf("token %q differs from the text, %.20q, at byte %d: bits per byte need a tokenizer that reproduces the text", piece, text[at:], at)
		}
		at += n
	}
	if at != len(text) {
		return nil, fmt.Errorf("its tokens end at byte %d of %d: bits per byte need a tokenizer that reproduces the text", at, len(text))
	}
	r.at = append(r.at, at)
	return r, nil
}

// spelt is how many bytes piece takes of the beginning of text, if it is what stands there. SentencePiece writes
// spaces as U+2581, so that one in the text comes back as a space.
func spelt(text, piece string) (n int, ok bool) {
	for _, b := range []byte(piece) {
		switch {
		case n < len(text) && text[n] == b:
			n++
		case b == ' ' && strings.HasPrefix(text[n:], "▁"):
			n += len("▁")
		default:
			return 0, false
		}
	}
	return n, true
}

// token is the first one that begins at the byte or behind it.
func (r *reading) token(at int) int {
	i, _ := slices.BinarySearch(r.at, at)
	return i
}

// span is a chunk as bytes of the text: those from begin on are seen, those from score on also scored.
type span struct{ begin, score, end int }

// sameBytes cuts a text into the longest chunks that have at most ctx tokens in every reading. A chunk starts and ends
// where a token starts in all readings, and so does its scored part. The rest of the text, too short for a full chunk,
// is dropped.
func sameBytes(readings []*reading, ctx int) []span {
	bounds := common(readings)
	most := func(begin, end int) (n int) {
		for _, r := range readings {
			n = max(n, len(r.bos)+r.token(bounds[end])-r.token(bounds[begin]))
		}
		return n
	}
	var out []span
	for begin := 0; ; {
		end := begin
		for end+1 < len(bounds) && most(begin, end+1) <= ctx {
			end++
		}
		if end+1 == len(bounds) && most(begin, end) < ctx {
			return out
		}
		// Of the bounds between, the first in the second half.
		middle := (bounds[begin] + bounds[end]) / 2
		score, _ := slices.BinarySearch(bounds, middle)
		score = min(max(score, begin+1), end-1)
		if score <= begin { // no bounds between: nothing that all can score
			begin = max(end, begin+1)
			continue
		}
		out = append(out, span{bounds[begin], bounds[score], bounds[end]})
		begin = end
	}
}

// common are the bytes at which a token begins in every reading, and the text's end.
func common(readings []*reading) []int {
	bounds := slices.Compact(slices.Clone(readings[0].at))
	for _, r := range readings[1:] {
		bounds = slices.DeleteFunc(bounds, func(at int) bool {
			_, ok := slices.BinarySearch(r.at, at)
			return !ok
		})
	}
	return bounds
}

// cut is the chunk as the reading's tokens. The beginning-of-text token goes before it: put in the place of the
// first token, as NewCorpus does, it would cost the models different bytes.
func (r *reading) cut(slice int, c span) Window {
	begin, score, end := r.token(c.begin), r.token(c.score), r.token(c.end)
	ids := slices.Concat(r.bos, r.ids[begin:end])
	return Window{Slice: slice, IDs: ids, Head: ids[0], First: len(r.bos) + score - begin - 1, Bytes: c.end - c.score}
}
