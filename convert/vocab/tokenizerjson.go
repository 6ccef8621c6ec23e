package vocab

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// tokenizerJSON is what is used of tokenizer.json.
type tokenizerJSON struct {
	AddedTokens   []addedToken   `json:"added_tokens"`
	Normalizer    *step          `json:"normalizer"`
	PreTokenizer  *step          `json:"pre_tokenizer"`
	PostProcessor *postProcessor `json:"post_processor"`
	Model         tokenizerModel `json:"model"`
}

type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	Special    bool   `json:"special"`
	Normalized bool   `json:"normalized"`
}

type tokenizerModel struct {
	Type         string         `json:"type"`
	Vocab        map[string]int `json:"vocab"`
	Merges       merges         `json:"merges"`
	IgnoreMerges bool           `json:"ignore_merges"`
	ByteFallback bool           `json:"byte_fallback"`
	Prefix       string         `json:"continuing_subword_prefix"`
	// Of unigrams: the scores of the pieces, whose ids are in Vocab too, and the piece for what is none of them.
	Scores  []float32 `json:"-"`
	Unknown *int      `json:"-"`
}

// UnmarshalJSON reads the models that are known; of others only the type.
func (m *tokenizerModel) UnmarshalJSON(b []byte) error {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	switch head.Type {
	case "BPE", "WordPiece":
	case "Unigram":
		return m.unigrams(b)
	default:
		m.Type = head.Type
		return nil
	}
	type plain tokenizerModel
	return json.Unmarshal(b, (*plain)(m))
}

// size is one more than the highest id of the vocabulary.
func (m *tokenizerModel) size(path string) (int, error) {
	have := 0
	for t, id := range m.Vocab {
		if id < 0 || id >= maxVocab {
			return 0, bad(path, "token %q has the invalid id %d", t, id)
		}
		have = max(have, id+1)
	}
	return have, nil
}

// merges are the pairs that are joined, first to last.
type merges [][2]string

// UnmarshalJSON reads both forms, "a b" and ["a", "b"].
func (m *merges) UnmarshalJSON(b []byte) error {
	var joined []string
	if json.Unmarshal(b, &joined) == nil {
		*m = make(merges, len(joined))
		for i, s := range joined {
			left, right, ok := strings.Cut(s, " ")
			if !ok || strings.Contains(right, " ") {
				return fmt.Errorf("merge %d must be two parts with a space between them (got %q)", i, s)
			}
			(*m)[i] = [2]string{left, right}
		}
		return nil
	}
	var pairs [][]string
	if err := json.Unmarshal(b, &pairs); err != nil {
		return err
	}
	*m = make(merges, len(pairs))
	for i, p := range pairs {
		if len(p) != 2 {
			return fmt.Errorf("merge %d, %q, must have 2 parts (got %d)", i, p, len(p))
		}
		(*m)[i] = [2]string{p[0], p[1]}
	}
	return nil
}

// joined writes the pairs as GGUF has them, a space between the parts and U+0120 for one within, as in the reference.
func (m merges) joined() []string {
	out := make([]string, len(m))
	for i, p := range m {
		out[i] = strings.ReplaceAll(p[0], " ", "Ġ") + " " + strings.ReplaceAll(p[1], " ", "Ġ")
	}
	return out
}

// withAdded is how many ids there are when added tokens join a vocabulary of have.
func withAdded(have int, added map[int]addedToken) int {
	for id := range added {
		have = max(have, id+1)
	}
	return have
}

// pieces is tokenizer.json's vocabulary with the tokens that are added to it.
func (f *folder) pieces(path string) (*vocabulary, error) {
	added, err := f.allAdded()
	if err != nil {
		return nil, err
	}
	m := &f.json.Model
	have, err := m.size(path)
	if err != nil {
		return nil, err
	}
	size, err := f.vocabSize(withAdded(have, added))
	if err != nil {
		return nil, err
	}
	v := newVocabulary(size)
	for t, id := range m.Vocab {
		v.set(id, t, 0, normal)
	}
	for id, t := range added {
		typ := userDefined
		if t.Special || looksSpecial(t.Content) {
			typ = control
		}
		v.set(id, t.Content, 0, typ)
	}
	return v, nil
}

// byteLevel writes byte-level BPE.
func (f *folder) byteLevel(l *list) error {
	path := filepath.Join(f.dir, "tokenizer.json")
	m := f.json.Model
	if m.Type != "BPE" {
		return bad(path, "unsupported tokenizer model %q: carat supports BPE and SentencePiece", m.Type)
	}
	pre, err := f.pre()
	if err != nil {
		return err
	}
	v, err := f.pieces(path)
	if err != nil {
		return err
	}
	v.spaceAdded()
	for _, merge := range m.Merges {
		if _, known := m.Vocab[merge[0]+merge[1]]; !known {
			return bad(path, "the merge %q gives a token that is not in the vocabulary", merge)
		}
	}
	kind := "gpt2"
	if pre == "whitespace" {
		kind = pre
	}
	v.write(l, kind, pre, false)
	if len(m.Merges) > 0 {
		l.add("tokenizer.ggml.merges", m.Merges.joined())
	}
	return f.special(l, 0)
}
