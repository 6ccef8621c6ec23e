// Package tokenizer turns text into token ids and back, from GGUF metadata alone.
//
// Two models are known: "gpt2", byte-level BPE with the pre-tokenizer that tokenizer.ggml.pre names (the table is in
// gguf/names), and "llama", SentencePiece BPE with byte fallback. Metadata mean what they mean to llama.cpp, defaults
// and overrides included. Where llama.cpp and Hugging Face's tokenizers differ on exotic strings (Unicode that is not
// composed, overlapping special tokens), the latter are followed.
package tokenizer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/suggest"
)

// Token types of tokenizer.ggml.token_type.
const (
	normal      = 1
	unknown     = 2
	control     = 3
	userDefined = 4
	byteToken   = 6
)

// Tokenizer is safe for use by several goroutines.
type Tokenizer struct {
	tokens []string
	types  []int64
	ids    map[string]int32
	// special are the tokens that are found in a text as they are written, by first byte, longest first; strips says
	// which of them take the white space behind them.
	special [256][]int32
	strips  map[int32]bool

	made           map[string]any // from what; see Same
	model          segmenter
	bos, eos       int32 // -1 where there is none
	addBOS, addEOS bool
	eog            map[int32]bool
}

// segmenter is what the two models differ in.
type segmenter interface {
	// encode appends the ids of a text without special tokens.
	encode(ids []int32, text string) ([]int32, error)
	// piece is the text of a normal token.
	piece(id int32) []byte
	// stripsSpace says that decoding drops the one space that encoding put in front.
	stripsSpace() bool
}

// New reads tokenizer.* entries.
func New(md *gguf.Metadata) (*Tokenizer, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: tokenizer.ggml.%s", gguf.ErrInput, fmt.Sprintf(format, args...))
	}
	t := &Tokenizer{made: madeFrom(md), tokens: md.Strings("tokenizer.ggml.tokens"), types: md.Ints("tokenizer.ggml.token_type")}
	if len(t.tokens) == 0 {
		return nil, bad("tokens is missing or empty")
	}
	if t.types == nil {
		t.types = slices.Repeat([]int64{normal}, len(t.tokens))
	}
	if len(t.types) < len(t.tokens) {
		return nil, bad("token_type has %d entries for %d tokens", len(t.types), len(t.tokens))
	}
	t.types = slices.Clone(t.types)
	t.tokens = slices.Clone(t.tokens)
	t.ids = make(map[string]int32, len(t.tokens))
	for i, s := range t.tokens {
		if s == "" {
			s = fmt.Sprintf("[EMPTY_%d]", i)
			t.tokens[i] = s
		}
		if first, ok := t.ids[s]; ok {
			return nil, bad("tokens: tokens %d and %d are both %q", first, i, s)
		}
		t.ids[s] = int32(i)
	}
	var err error
	kind, _ := md.String("tokenizer.ggml.model")
	pre, _ := md.String("tokenizer.ggml.pre")
	var d defaults
	switch kind {
	case "gpt2":
		var b *bpe
		if pre == "" {
			pre = "default"
		}
		if b, err = newBPE(t, pre, md.Strings("tokenizer.ggml.merges")); err == nil {
			t.model, d = b, bpeDefaults.of(b.pre)
		}
	case "llama":
		prefix, ok := md.Bool("tokenizer.ggml.add_space_prefix")
		t.model, err = newSPM(t, md.Floats("tokenizer.ggml.scores"), prefix || !ok)
		d = spmDefaults
	default:
		err = fmt.Errorf("%w: tokenizer.ggml.model is %q; carat's runtime has gpt2 and llama", gguf.ErrUnsupported, kind)
		if !slices.Contains(names.Models, kind) {
			err = bad("model: %s", suggest.OneOf("tokenizer model", kind, names.Models))
		}
	}
	if err != nil {
		return nil, err
	}
	if err := t.readSpecial(md, d); err != nil {
		return nil, err
	}
	return t, nil
}

// Encode returns the ids of text. addSpecial adds the beginning and end tokens that the model wants;
// parseSpecial recognises control tokens in the text (user-defined ones always are).
func (t *Tokenizer) Encode(text string, addSpecial, parseSpecial bool) ([]int32, error) {
	var ids []int32
	if addSpecial && t.addBOS {
		ids = append(ids, t.bos)
	}
	var err error
	start := 0
	for i := 0; i < len(text); {
		id, ok := t.specialAt(text[i:], parseSpecial)
		if !ok {
			i++
			continue
		}
		if i > start {
			if ids, err = t.model.encode(ids, text[start:i]); err != nil {
				return nil, err
			}
		}
		ids = append(ids, id)
		i += len(t.tokens[id])
		for t.strips[id] && i < len(text) && strings.IndexByte(" \t\n\v\f\r", text[i]) >= 0 {
			i++
		}
		start = i
	}
	if start < len(text) {
		if ids, err = t.model.encode(ids, text[start:]); err != nil {
			return nil, err
		}
	}
	if addSpecial && t.addEOS {
		ids = append(ids, t.eos)
	}
	return ids, nil
}

// specialAt finds the longest special token that text begins with.
func (t *Tokenizer) specialAt(text string, parseSpecial bool) (int32, bool) {
	for _, id := range t.special[text[0]] {
		if (parseSpecial || t.types[id] == userDefined) && strings.HasPrefix(text, t.tokens[id]) {
			return id, true
		}
	}
	return 0, false
}

// Decode returns the text of ids; control tokens appear as they are written.
func (t *Tokenizer) Decode(ids []int32) string {
	var out []byte
	for i, id := range ids {
		p := t.Piece(id)
		if i == 0 && t.model.stripsSpace() {
			p = bytes.TrimPrefix(p, []byte(" "))
		}
		out = append(out, p...)
	}
	return string(out)
}

// Piece returns the bytes of one token, which may be part of a character; none for an id that is no token.
func (t *Tokenizer) Piece(id int32) []byte {
	if id < 0 || int(id) >= len(t.tokens) {
		return nil
	}
	if typ := t.types[id]; typ == control || typ == userDefined {
		return []byte(t.tokens[id])
	}
	return t.model.piece(id)
}

// BOS is the beginning-of-text token, and whether there is one.
func (t *Tokenizer) BOS() (int32, bool) { return t.bos, t.bos >= 0 }

// EOS is the end-of-text token, and whether there is one.
func (t *Tokenizer) EOS() (int32, bool) { return t.eos, t.eos >= 0 }

// AddBOS reports whether texts begin with BOS.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// IsEOG reports whether id ends a generated text.
func (t *Tokenizer) IsEOG(id int32) bool { return t.eog[id] }

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.tokens) }
