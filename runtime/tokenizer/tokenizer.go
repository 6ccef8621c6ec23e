// Package tokenizer turns text into token ids and back, from GGUF metadata alone.
//
// Six models are known: "gpt2", byte-level BPE with the pre-tokenizer that tokenizer.ggml.pre names (the table is in
// gguf/names); "llama", SentencePiece BPE with byte fallback; "bert", WordPiece; "t5", SentencePiece unigrams; "gemma4"
// and "whitespace", BPE over characters. Metadata mean what they mean to llama.cpp, defaults and overrides included.
// Where llama.cpp and Hugging Face's tokenizers differ on exotic strings (Unicode that is not composed, overlapping
// special tokens), the latter are followed.
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
	unused      = 5
	byteToken   = 6
)

// Tokenizer is safe for use by several goroutines.
type Tokenizer struct {
	tokens []string
	types  []int64
	ids    map[string]int32
	// special are the tokens that are found in a text as they are written, by first byte, longest first; strips says
	// which of them take the white space behind them, and stripsBefore that before them.
	special              [256][]int32
	strips, stripsBefore map[int32]bool

	made           map[string]any // from what; see Same
	model          segmenter
	bos, eos, unk  int32 // -1 where there is none
	addBOS, addEOS bool
	end            int32 // what addEOS adds: EOS, or BERT's separator
	addSep         bool  // sep stands between two texts, behind the end of the first
	sep            int32
	eog            map[int32]bool
}

// segmenter is what the models differ in.
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
	kind, _ := md.String("tokenizer.ggml.model")
	build, d, err := t.modelOf(kind, md)
	if err != nil {
		return nil, err
	}
	if err := t.readSpecial(md, d); err != nil {
		return nil, err
	}
	if t.model, err = build(); err != nil {
		return nil, err
	}
	return t, nil
}

// modelOf returns how to make the model of a kind, once special tokens are known, and what is true of such where a file
// says nothing.
func (t *Tokenizer) modelOf(kind string, md *gguf.Metadata) (build func() (segmenter, error), d defaults, err error) {
	scores := md.Floats("tokenizer.ggml.scores")
	flag := func(key string, otherwise bool) bool {
		if v, ok := md.Bool("tokenizer.ggml." + key); ok {
			return v
		}
		return otherwise
	}
	prefix := flag("add_space_prefix", kind == "llama")
	switch kind {
	case "gpt2", "gemma4", "whitespace":
		pre, _ := md.String("tokenizer.ggml.pre")
		switch {
		case kind == "gemma4":
			pre = kind
		case pre == "":
			pre = "default"
		}
		split, p, err := splitterFor(pre)
		if err != nil {
			return nil, d, err
		}
		merges, err := splitMerges(md.Strings("tokenizer.ggml.merges"))
		if err != nil {
			return nil, d, err
		}
		build = func() (segmenter, error) {
			if p.Joins == names.Bytes {
				return newBPE(t, split, p, merges), nil
			}
			return newCharBPE(t, split, p.Joins, merges, flag("normalizer.lowercase", false)), nil
		}
		d = bpeDefaults.of(p)
		if kind == "gemma4" {
			d = gemmaDefaults
		}
		return build, d, nil
	case "llama":
		return func() (segmenter, error) { return newSPM(t, scores, prefix) }, spmDefaults, nil
	case "bert":
		lower := flag("normalizer.lowercase", true)
		strip := flag("normalizer.strip_accents", lower)
		return func() (segmenter, error) { return newWordPiece(t, lower, strip) }, bertDefaults, nil
	case "t5":
		chars, err := charsmapOf(md)
		s := spelling{chars, prefix, flag("remove_extra_whitespaces", false)}
		return func() (segmenter, error) { return newUnigram(t, scores, s) }, t5Defaults, err
	}
	if !slices.Contains(names.Models, kind) {
		return nil, d, fmt.Errorf("%w: tokenizer.ggml.model: %s", gguf.ErrInput, suggest.OneOf("tokenizer model", kind, names.Models))
	}
	return nil, d, fmt.Errorf("%w: tokenizer.ggml.model is %q; carat's runtime has gpt2, llama, bert, t5, gemma4 and whitespace", gguf.ErrUnsupported, kind)
}

// space is what special tokens may take with them.
const space = " \t\n\v\f\r"

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
		before := text[start:i]
		if t.stripsBefore[id] {
			before = strings.TrimRight(before, space)
		}
		if before != "" {
			if ids, err = t.model.encode(ids, before); err != nil {
				return nil, err
			}
		}
		ids = append(ids, id)
		i += len(t.tokens[id])
		for t.strips[id] && i < len(text) && strings.IndexByte(space, text[i]) >= 0 {
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
		ids = append(ids, t.end)
	}
	return ids, nil
}

// EncodePair returns the ids of two texts that a model compares, with the tokens that it wants around and between them, and at which of
// them those of the second text begin. Special tokens in the texts are recognised.
func (t *Tokenizer) EncodePair(first, second string) (ids []int32, at int, err error) {
	if t.addBOS {
		ids = append(ids, t.bos)
	}
	a, err := t.Encode(first, false, true)
	if err != nil {
		return nil, 0, err
	}
	b, err := t.Encode(second, false, true)
	if err != nil {
		return nil, 0, err
	}
	ids = append(ids, a...)
	if t.addEOS {
		ids = append(ids, t.end)
	}
	if t.addSep {
		ids = append(ids, t.sep)
	}
	at = len(ids)
	if ids = append(ids, b...); t.addEOS {
		ids = append(ids, t.end)
	}
	return ids, at, nil
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

// AddEOS reports whether texts end with EOS, or with BERT's separator.
func (t *Tokenizer) AddEOS() bool { return t.addEOS }

// IsEOG reports whether id ends a generated text.
func (t *Tokenizer) IsEOG(id int32) bool { return t.eog[id] }

// IsText reports whether a token stands for its piece in a text: control tokens, the unknown one and unused ones do not.
func (t *Tokenizer) IsText(id int32) bool {
	if id < 0 || int(id) >= len(t.tokens) {
		return false
	}
	typ := t.types[id]
	return typ == normal || typ == userDefined || typ == byteToken
}

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.tokens) }
