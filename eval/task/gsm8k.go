package task

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/runtime/generate"
)

const gsm8kFormat = `JSON lines {"question": "...", "answer": "... #### 42"}`

// problem is a word problem with a worked answer.
type problem struct {
	place
	question, answer string
	gold             string // the number after ####, as lastNumber writes it
}

func parseGSM8K(name string, data []byte) ([]Item, error) {
	type object struct{ Question, Answer string }
	return parseJSONL(name, data, func(at place, v object) (Item, error) {
		i := strings.LastIndex(v.Answer, "####")
		if v.Question == "" || i < 0 {
			return nil, malformed(name, at, `a "question" and an "answer" that ends in #### and a number are expected`)
		}
		gold, ok := lastNumber(v.Answer[i:])
		if !ok {
			return nil, malformed(name, at, "no number after ####: %.40q", v.Answer[i:])
		}
		return problem{at, v.Question, v.Answer, gold}, nil
	})
}

func (p problem) ask(tok Tokenizer, o Options) (question, error) {
	var text strings.Builder
	if o.Shots != nil {
		for _, it := range o.Shots.list {
			shot, ok := it.(problem)
			if !ok {
				return nil, fmt.Errorf("worked examples must be %s", gsm8kFormat)
			}
			text.WriteString("Question: " + shot.question + "\nAnswer: " + shot.answer + "\n\n")
		}
	}
	text.WriteString("Question: " + p.question + "\nAnswer:")
	ids, err := prompt(tok, text.String())
	if err != nil {
		return nil, err
	}
	return &generation{prompt: ids, gold: p.gold, tok: tok, max: o.MaxTokens}, nil
}

// generation is a problem in tokens and what is needed to write its answer.
type generation struct {
	prompt []int32
	gold   string
	tok    Tokenizer
	max    int
}

func (q *generation) tokens() int { return len(q.prompt) + q.max - 1 }

func (q *generation) answer(s *sequence) (outcome, error) {
	kept := s.rewind(q.prompt, len(q.prompt)-1)
	var text []byte
	_, _, err := generate.Run(s.ctx, s, s.vocab, q.tok, q.prompt[kept:],
		generate.Options{Params: generate.Params{TopP: 1}, MaxTokens: q.max, Stop: []string{"Question:"}},
		func(more []byte) error { text = append(text, more...); return nil })
	if err != nil {
		return outcome{}, err
	}
	got, ok := lastNumber(string(text))
	return outcome{right: ok && got == q.gold}, nil
}

var number = regexp.MustCompile(`-?[0-9][0-9,]*(\.[0-9]+)?`)

// lastNumber finds the last decimal number of text and writes it without separators, leading zeros and trailing zeros
// of a fraction, so that equal numbers are equal strings. A minus sign after a letter or digit is none.
func lastNumber(text string) (string, bool) {
	all := number.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return "", false
	}
	at := slices.MaxFunc(all, func(a, b []int) int { return a[0] - b[0] })
	n := strings.ReplaceAll(text[at[0]:at[1]], ",", "")
	n, negative := strings.CutPrefix(n, "-")
	if at[0] > 0 && isWordByte(text[at[0]-1]) {
		negative = false
	}
	whole, fraction, _ := strings.Cut(n, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole, true
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == ')' || b >= 0x80
}
