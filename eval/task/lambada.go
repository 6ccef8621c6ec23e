package task

import (
	"fmt"
	"strings"
	"unicode"
)

const lambadaFormat = `JSON lines {"text": "..."}, or plain text with one passage a line`

// passage is a text whose last word is asked for.
type passage struct {
	place
	context, word string // word begins with the space before it
}

func parseLambada(name string, data []byte) ([]Item, error) {
	if isJSON(data) {
		return parseJSONL(name, data, func(at place, v struct{ Text string }) (Item, error) { return newPassage(name, at, v.Text) })
	}
	var out []Item
	for i, line := range lines(data) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		p, err := newPassage(name, lineAt(i+1), line)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func newPassage(name string, at place, text string) (Item, error) {
	text = strings.TrimSpace(text)
	i := strings.LastIndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return nil, malformed(name, at, "a passage of at least two words is expected, not %.40q", text)
	}
	return passage{at, text[:i], text[i:]}, nil
}

func (p passage) ask(tok Tokenizer, _ Options) (question, error) {
	context, err := prompt(tok, p.context)
	if err != nil {
		return nil, err
	}
	ids, err := prompt(tok, p.context+p.word)
	if err != nil {
		return nil, err
	}
	if len(ids) < 2 {
		return nil, fmt.Errorf("the passage has %d tokens; at least 2 are needed", len(ids))
	}
	return &lastWord{ids, prefixOf(context, ids)}, nil
}

// lastWord is a passage in tokens; the word begins at token first.
type lastWord struct {
	ids   []int32
	first int
}

func (q *lastWord) tokens() int { return len(q.ids) - 1 }

func (q *lastWord) answer(s *sequence) (outcome, error) {
	o := outcome{right: true}
	err := s.predict(q.ids, q.first, func(_ int, logProb float64, likeliest bool) {
		o.right = o.right && likeliest
		o.logProb += logProb
	})
	return o, err
}
