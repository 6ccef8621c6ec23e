// Package tokenizer turns text into token ids and back, from GGUF metadata alone.
//
// Two models are known: "gpt2", byte-level BPE with the pre-tokenizer that tokenizer.ggml.pre names, and
// "llama", SentencePiece BPE with byte fallback. Where llama.cpp and Hugging Face's tokenizers differ on
// exotic strings, the latter are followed.
package tokenizer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Token types of tokenizer.ggml.token_type.
const (
	normal      = 1
	control     = 3
	userDefined = 4
	unused      = 5
	byteToken   = 6
)

// Tokenizer is safe for use by several goroutines.
type Tokenizer struct {
	tokens []string
	types  []int64
	ids    map[string]int32
	// special are the control and user-defined tokens by first byte, longest first.
	special [256][]int32

	model          segmenter
	bos, eos       int32 // -1 where there is none
	addBOS, addEOS bool
	eog            map[int32]bool
}

// segmenter is what the two models differ in.
type segmenter interface {
	// encode appends the ids of a text without special tokens; first says that none was before it but
	// perhaps special ones.
	encode(ids []int32, text string, first bool) []int32
	// piece is the text of a normal token.
	piece(token string) []byte
	// stripsSpace says that decoding drops the one space that encoding put in front.
	stripsSpace() bool
}

// New reads tokenizer.* entries.
func New(md *gguf.Metadata) (*Tokenizer, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: tokenizer: %s", gguf.ErrInput, fmt.Sprintf(format, args...))
	}
	t := &Tokenizer{tokens: md.Strings("tokenizer.ggml.tokens"), types: md.Ints("tokenizer.ggml.token_type")}
	if len(t.tokens) == 0 {
		return nil, bad("tokenizer.ggml.tokens is missing: the model has no vocabulary")
	}
	if t.types == nil {
		t.types = slices.Repeat([]int64{normal}, len(t.tokens))
	}
	if len(t.types) != len(t.tokens) {
		return nil, bad("%d token types for %d tokens", len(t.types), len(t.tokens))
	}
	t.ids = make(map[string]int32, len(t.tokens))
	for i, s := range t.tokens {
		if _, ok := t.ids[s]; !ok {
			t.ids[s] = int32(i)
		}
	}
	var err error
	kind, _ := md.String("tokenizer.ggml.model")
	pre, _ := md.String("tokenizer.ggml.pre")
	defaultBOS := false
	switch kind {
	case "gpt2":
		t.model, err = newBPE(t, pre, md.Strings("tokenizer.ggml.merges"))
		defaultBOS = pre == "llama-bpe" || pre == "tekken"
	case "llama":
		prefix, ok := md.Bool("tokenizer.ggml.add_space_prefix")
		t.model, err = newSPM(t, md.Floats("tokenizer.ggml.scores"), prefix || !ok)
		defaultBOS = true
	default:
		err = bad("tokenizer.ggml.model is %q: this carat knows gpt2 and llama", kind)
	}
	if err != nil {
		return nil, err
	}
	t.readSpecial(md, defaultBOS)
	return t, nil
}

func (t *Tokenizer) readSpecial(md *gguf.Metadata, defaultBOS bool) {
	id := func(key string) int32 {
		if v, ok := md.Int("tokenizer.ggml." + key + "_token_id"); ok && v >= 0 && v < int64(len(t.tokens)) {
			return int32(v)
		}
		return -1
	}
	t.bos, t.eos = id("bos"), id("eos")
	var ok bool
	if t.addBOS, ok = md.Bool("tokenizer.ggml.add_bos_token"); !ok {
		t.addBOS = defaultBOS
	}
	t.addBOS = t.addBOS && t.bos >= 0
	t.addEOS, _ = md.Bool("tokenizer.ggml.add_eos_token")
	t.addEOS = t.addEOS && t.eos >= 0
	t.eog = map[int32]bool{}
	for _, e := range []int32{t.eos, id("eot"), id("eom")} {
		if e >= 0 {
			t.eog[e] = true
		}
	}
	for i, s := range t.tokens {
		if (t.types[i] != control && t.types[i] != userDefined) || s == "" {
			continue
		}
		t.special[s[0]] = append(t.special[s[0]], int32(i))
		switch s {
		case "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<|end|>":
			t.eog[int32(i)] = true
		}
	}
	for i := range t.special {
		slices.SortStableFunc(t.special[i], func(a, b int32) int { return len(t.tokens[b]) - len(t.tokens[a]) })
	}
}

// Encode returns the ids of text. addSpecial adds the beginning and end tokens that the model wants;
// parseSpecial recognises control tokens in the text (user-defined ones always are).
func (t *Tokenizer) Encode(text string, addSpecial, parseSpecial bool) ([]int32, error) {
	var ids []int32
	if addSpecial && t.addBOS {
		ids = append(ids, t.bos)
	}
	first := true
	start := 0
	for i := 0; i < len(text); {
		id, ok := t.specialAt(text[i:], parseSpecial)
		if !ok {
			i++
			continue
		}
		if i > start {
			ids = t.model.encode(ids, text[start:i], first)
		}
		ids = append(ids, id)
		i += len(t.tokens[id])
		start, first = i, true
	}
	if start < len(text) {
		ids = t.model.encode(ids, text[start:], first)
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
	return t.model.piece(t.tokens[id])
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
