package task

import (
	"fmt"
	"strconv"
	"strings"
)

const winograndeFormat = `CSV index,sentence with _,choice1,choice2,answer (1 or 2), or JSON lines {"context_options": ["...", "..."], "continuation": "...", "gold": 0}`

// fewTokens is llama-perplexity's: a choice with no more tokens than this after the common prefix is scored together
// with what follows it.
const fewTokens = 3

// gap is a sentence with two ways to fill its gap.
type gap struct {
	place
	upto [2]string // the sentence up to and with each choice
	rest string    // what follows
	gold int
}

func parseWinogrande(name string, data []byte) ([]Item, error) {
	if !isJSON(data) {
		return parseWinograndeCSV(name, data)
	}
	type object struct {
		Options      []string `json:"context_options"`
		Continuation string
		Gold         *int
	}
	return parseJSONL(name, data, func(at place, v object) (Item, error) {
		if len(v.Options) != 2 || v.Gold == nil || *v.Gold < 0 || *v.Gold > 1 {
			return nil, malformed(name, at, `two "context_options" and a "gold" of 0 or 1 are expected`)
		}
		return newGap(name, at, v.Options[0], v.Options[1], " "+v.Continuation, *v.Gold)
	})
}

// newGap refuses what cannot be scored.
func newGap(name string, at place, first, second, rest string, gold int) (Item, error) {
	if first == second {
		return nil, malformed(name, at, "both choices are %.40q", first)
	}
	if strings.TrimSpace(rest) == "" {
		return nil, malformed(name, at, "nothing follows the gap")
	}
	return gap{at, [2]string{first, second}, rest, gold}, nil
}

// parseWinograndeCSV reads lines as llama-perplexity does: only the sentence may be quoted, and its quotes are not
// unescaped.
func parseWinograndeCSV(name string, data []byte) ([]Item, error) {
	var out []Item
	for i, line := range lines(data) {
		at := lineAt(i + 1)
		if strings.TrimSpace(line) == "" {
			continue
		}
		f := csvFields(line)
		if len(f) != 5 {
			return nil, malformed(name, at, "%d fields, 5 are expected: index,sentence,choice1,choice2,answer", len(f))
		}
		if i == 0 && strings.TrimSpace(f[4]) == "answer" {
			continue // a heading
		}
		sentence := f[1]
		if len(sentence) >= 2 && sentence[0] == '"' {
			sentence = sentence[1 : len(sentence)-1]
		}
		before, rest, ok := strings.Cut(sentence, "_")
		if !ok {
			return nil, malformed(name, at, "the sentence has no gap (_): %.60q", sentence)
		}
		answer, err := strconv.Atoi(strings.TrimSpace(f[4]))
		if err != nil || answer < 1 || answer > 2 {
			return nil, malformed(name, at, "the answer is %.20q, expected 1 or 2", f[4])
		}
		it, err := newGap(name, at, before+f[2], before+f[3], rest, answer-1)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

// csvFields cuts a line at its first four commas outside of quotes.
func csvFields(line string) []string {
	var out []string
	start, quoted := 0, false
	for i := range len(line) {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted && len(out) < 4:
			out = append(out, line[start:i])
			start = i + 1
		}
	}
	return append(out, line[start:])
}

func (g gap) ask(tok Tokenizer, _ Options) (question, error) {
	q := &gapQuestion{gold: g.gold}
	for i, upto := range g.upto {
		ids, err := tok.Encode(upto+g.rest, true, false)
		if err != nil {
			return nil, err
		}
		choice, err := tok.Encode(upto, true, false)
		if err != nil {
			return nil, err
		}
		if len(ids) < 2 {
			return nil, fmt.Errorf("the sentence has %d tokens; at least 2 are needed", len(ids))
		}
		q.seqs[i], q.first[i] = ids, len(choice)
	}
	common := commonPrefix(q.seqs[:]...)
	few := len(q.seqs[0])-common <= fewTokens || len(q.seqs[1])-common <= fewTokens
	for i, ids := range q.seqs {
		if few || q.first[i] < common || q.first[i] >= len(ids) {
			q.first[i] = common
		}
	}
	return q, nil
}

// gapQuestion holds the whole sentence with each choice, and the first token scored of each.
type gapQuestion struct {
	seqs  [2][]int32
	first [2]int
	gold  int
}

func (q *gapQuestion) tokens() int { return max(len(q.seqs[0]), len(q.seqs[1])) - 1 }

func (q *gapQuestion) answer(s *sequence) (outcome, error) {
	var score [2]float64
	for i, ids := range q.seqs {
		if len(ids)-q.first[i] > 1 {
			ids = ids[:len(ids)-1] // all but the full stop
		}
		err := s.predict(ids, q.first[i], func(_ int, logProb float64, _ bool) { score[i] += logProb })
		if err != nil {
			return outcome{}, err
		}
		score[i] /= float64(len(ids) - q.first[i])
	}
	chosen := 1
	if score[0] > score[1] {
		chosen = 0
	}
	return outcome{right: chosen == q.gold}, nil
}
