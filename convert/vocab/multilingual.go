package vocab

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
)

// XLM-RoBERTa's tokenizer has SentencePiece's unigrams, but begins with tokens of its own, <s>, <pad>, </s> and <unk>, in place of the
// model's first three, and ends with <mask>. The model itself (sentencepiece.bpe.model) counts where it is there, else tokenizer.json.

// isMultilingual reports whether the reference reads the class by its rules for XLM-RoBERTa.
func (f *folder) isMultilingual() bool {
	return strings.HasPrefix(f.opts.Class, "XLMRoberta") || strings.HasPrefix(f.opts.Class, "NomicBert") && f.json != nil && f.json.Model.Type == "Unigram"
}

// multilingual writes it.
func (f *folder) multilingual(l *list) error {
	if err := f.noPre(); err != nil {
		return err
	}
	path := filepath.Join(f.dir, "sentencepiece.bpe.model")
	model, err := inputfile.ReadSmall(path, inputfile.MaxVocab)
	var v *vocabulary
	var s spelling
	switch {
	case err == nil:
		v, s, err = f.realigned(model, path)
	case errors.Is(err, fs.ErrNotExist) && f.json != nil:
		v, s, err = f.jsonUnigrams(filepath.Join(f.dir, "tokenizer.json"))
	case errors.Is(err, fs.ErrNotExist):
		return bad(f.dir, "missing file: neither tokenizer.json nor sentencepiece.bpe.model is in the folder")
	}
	if err != nil {
		return err
	}
	v.write(l, "t5", "default", true)
	l.add("tokenizer.ggml.add_space_prefix", s.prefix)
	if n, ok := f.textTypes(); ok {
		l.add("tokenizer.ggml.token_type_count", n)
	}
	l.add("tokenizer.ggml.remove_extra_whitespaces", s.extraSpaces)
	if len(s.charsmap) > 0 {
		l.add("tokenizer.ggml.precompiled_charsmap", s.charsmap)
	}
	return f.special(l, len(v.tokens))
}

// own are the tokens that stand in place of the model's <unk>, <s> and </s>.
var own = []string{"<s>", "<pad>", "</s>", "<unk>"}

// realigned reads the SentencePiece model and puts the tokenizer's own tokens in front: all others move up by one.
func (f *folder) realigned(model []byte, path string) (*vocabulary, spelling, error) {
	s, err := parseSpelling(model, path)
	if err != nil {
		return nil, s, err
	}
	if s.kind != unigramType {
		return nil, s, bad(path, "it is a SentencePiece model of kind %d, expected unigrams (1)", s.kind)
	}
	pieces, err := parseModel(model, path)
	if err != nil {
		return nil, s, err
	}
	size, err := f.vocabSize(len(pieces))
	if err != nil {
		return nil, s, err
	}
	if size <= len(own) {
		return nil, s, bad(path, "it has %d tokens: too few", size)
	}
	v := newVocabulary(size)
	for i := len(own); i < size; i++ {
		if i-1 < len(pieces) {
			p := pieces[i-1]
			if p.typ == userDefined {
				p.typ = normal // as in modelPieces
			}
			v.set(i, p.text, p.score, p.typ)
		} else {
			v.tokens[i] = fmt.Sprintf("[PAD%d]", i-1)
		}
	}
	for i, t := range own {
		v.set(i, t, 0, control)
	}
	v.types[len(own)-1] = unknown
	if mask := 250001; strings.HasPrefix(f.opts.Class, "NomicBert") && mask < size {
		v.set(mask, "<mask>", 0, control)
	}
	return v, s, nil
}

// jsonUnigrams reads tokenizer.json, whose ids are the tokenizer's.
func (f *folder) jsonUnigrams(path string) (*vocabulary, spelling, error) {
	m := &f.json.Model
	s := spelling{prefix: true}
	if m.Type != "Unigram" {
		return nil, s, bad(path, "the model is %s, expected Unigram", m.Type)
	}
	at := slices.IndexFunc(f.json.Normalizer.flat(), func(n step) bool { return n.Charsmap != nil })
	if at < 0 {
		return nil, s, bad(path, "the normalizer is %s, expected Precompiled, with a map of characters", f.json.Normalizer)
	}
	var err error
	if s.charsmap, err = base64.StdEncoding.DecodeString(*f.json.Normalizer.flat()[at].Charsmap); err != nil {
		return nil, s, bad(path, "precompiled_charsmap is not in base64: %v", err)
	}
	if prefix, ok := f.config["add_prefix_space"].(bool); ok {
		s.prefix = prefix
	}
	s.extraSpaces, _ = f.config["clean_up_tokenization_spaces"].(bool)
	added, err := f.allAdded()
	if err != nil {
		return nil, s, err
	}
	size, err := f.vocabSize(len(m.Scores))
	if err != nil {
		return nil, s, err
	}
	v := newVocabulary(size)
	for t, id := range m.Vocab {
		v.set(id, t, m.Scores[id], normal)
	}
	for id, t := range added {
		if id >= len(m.Scores) {
			continue
		}
		v.types[id] = userDefined
		if t.Special {
			v.types[id] = control
		}
	}
	unk := 3
	if m.Unknown != nil {
		unk = *m.Unknown
	}
	if id, ok := m.Vocab[f.tokenText("unk")]; ok {
		unk = id
	}
	if unk < 0 || unk >= size {
		return nil, s, bad(path, "unk_id is %d, but there are %d tokens", unk, size)
	}
	v.types[unk] = unknown
	return v, s, nil
}

// unigrams reads the model of that kind: a list of pieces and their scores.
func (m *tokenizerModel) unigrams(b []byte) error {
	var raw struct {
		Vocab   [][]any `json:"vocab"`
		Unknown *int    `json:"unk_id"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*m = tokenizerModel{Type: "Unigram", Vocab: make(map[string]int, len(raw.Vocab)), Scores: make([]float32, len(raw.Vocab)), Unknown: raw.Unknown}
	for id, pair := range raw.Vocab {
		if len(pair) != 2 {
			return fmt.Errorf("piece %d must have a text and a score (got %v)", id, pair)
		}
		text, isText := pair[0].(string)
		score, isNumber := pair[1].(float64)
		if _, twice := m.Vocab[text]; !isText || !isNumber || twice {
			return fmt.Errorf("piece %d must be a text that is no other's and a score (got %v)", id, pair)
		}
		m.Vocab[text], m.Scores[id] = id, float32(score)
	}
	return nil
}
