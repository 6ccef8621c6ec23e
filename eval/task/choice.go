package task

import (
	"fmt"
	"slices"
)

// choices is an item with one context and several answers, of which one is right.
type choices struct {
	place
	context string
	answers []string
	gold    int
}

// ask tokenizes context and answers together, one space between.
func (c choices) ask(tok Tokenizer, _ Options) (question, error) {
	q := &choiceQuestion{gold: c.gold}
	for _, a := range c.answers {
		ids, err := tok.Encode(c.context+" "+a, true, false)
		if err != nil {
			return nil, err
		}
		if len(ids) < 2 {
			return nil, fmt.Errorf("context and answer have %d tokens; at least 2 are needed", len(ids))
		}
		q.seqs = append(q.seqs, ids)
		q.bytes = append(q.bytes, len(a))
	}
	context, err := tok.Encode(c.context, true, false)
	if err != nil {
		return nil, err
	}
	q.common = commonPrefix(q.seqs...)
	q.context = min(q.common, prefixOf(context, q.seqs[0]))
	return q, nil
}

// commonPrefix is the number of tokens that all sequences begin with; at least 1, as nothing predicts the first, and
// at most what leaves each sequence a token of its own.
func commonPrefix(seqs ...[]int32) int {
	n := len(seqs[0]) - 1
	for _, s := range seqs[1:] {
		n = min(n, len(s)-1, shared(seqs[0], s))
	}
	return max(1, n)
}

// prefixOf is the number of tokens that ids begins with of context, within the same limits.
func prefixOf(context, ids []int32) int { return max(1, min(shared(context, ids), len(ids)-1)) }

// shared is the number of tokens that a and b both begin with.
func shared(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// choiceQuestion holds each answer's sequence with the context in front.
type choiceQuestion struct {
	seqs    [][]int32
	common  int // tokens that all sequences begin with
	context int // tokens of the context, at most common
	bytes   []int
	gold    int
}

func (q *choiceQuestion) tokens() int {
	return len(slices.MaxFunc(q.seqs, func(a, b []int32) int { return len(a) - len(b) })) - 1
}

func (q *choiceQuestion) answer(s *sequence) (outcome, error) {
	perToken, perByte := make([]float64, len(q.seqs)), make([]float64, len(q.seqs))
	for a, ids := range q.seqs {
		var tail, whole float64
		err := s.predict(ids, q.context, func(i int, logProb float64, _ bool) {
			whole += logProb
			if i >= q.common {
				tail += logProb
			}
		})
		if err != nil {
			return outcome{}, err
		}
		perToken[a] = tail / float64(len(ids)-q.common)
		perByte[a] = whole / float64(q.bytes[a])
	}
	return outcome{right: largest(perToken) == q.gold, normalized: largest(perByte) == q.gold}, nil
}

// largest is the index of the largest value, the first of equals.
func largest(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}
