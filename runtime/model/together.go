package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Several short sequences are evaluated together, so that each matrix is read once for the tokens of all. Only attention looks from one
// token at another: it takes the sequences one after the other, and all else does not see where one ends.

// EvaluateEach empties the session's sequence and fills hidden with the activations behind the last norm of each token of each of
// sequences, which do not see each other: rows of Width, in order. They must fit the session one after the other. The results are those
// of each sequence alone. The session is empty afterwards.
func (s *Session) EvaluateEach(sequences [][]int32, hidden []float32) error {
	s.Reset()
	defer s.Reset()
	total := 0
	for _, ids := range sequences {
		total += len(ids)
	}
	width := s.model.Width()
	switch {
	case total > s.max:
		return fmt.Errorf("%w: %d tokens of %d sequences do not fit the session, which has %d", gguf.ErrInput, total, len(sequences), s.max)
	case len(hidden) < total*width:
		return fmt.Errorf("there is room for %d activations, but %d rows of %d need %d", len(hidden), total, width, total*width)
	}
	if len(sequences) > 1 && total <= batch && s.model.graph.separable() {
		return s.evaluateTogether(sequences, hidden)
	}
	second := s.second
	for i, ids := range sequences {
		if s.Reset(); second != nil {
			s.second = second[i : i+1]
		}
		if err := s.Evaluate(ids, Outputs{Hidden: hidden[:len(ids)*width]}); err != nil {
			return err
		}
		hidden = hidden[len(ids)*width:]
	}
	return nil
}

// EvaluatePairs is EvaluateEach of sequences that are two texts each: second has the number of the first token of the second one. Models
// that tell the two apart (BERT) add another vector to the tokens of it.
func (s *Session) EvaluatePairs(sequences [][]int32, second []int, hidden []float32) error {
	if len(second) != len(sequences) {
		return fmt.Errorf("there are %d sequences, but the second texts of %d", len(sequences), len(second))
	}
	s.second = second
	defer func() { s.second = nil }()
	return s.EvaluateEach(sequences, hidden)
}

func (s *Session) evaluateTogether(sequences [][]int32, hidden []float32) error {
	defer func() { s.members = nil }()
	for _, ids := range sequences {
		if err := s.checkIDs(ids); err != nil {
			return err
		}
		s.ids = append(s.ids, ids...)
		s.members = append(s.members, member{s, len(s.ids)})
	}
	return mmap.Guard(func() error {
		n := len(s.ids)
		s.output(Outputs{Hidden: hidden}, 0, s.evaluate(n), n)
		return nil
	})
}

// separable reports whether nothing but attention that keeps keys and values of its own looks from one token at another.
func (g *graph) separable() bool {
	if g.perLayer != nil || g.altup != nil || g.source != nil || g.sharesKV {
		return false
	}
	for _, l := range g.layers {
		var m mixer
		switch l := l.(type) {
		case *block:
			m = l.mixer
		case *postNormed:
			m = l.mixer
		default:
			return false
		}
		if _, ok := m.(*attention); m != nil && !ok {
			return false
		}
	}
	return true
}

// kind is the type of row i of those being evaluated, of n types: 1 for tokens of the second text of a pair.
func (s *Session) kind(i, n int) int {
	if s.second == nil || n < 2 {
		return 0
	}
	sequence := 0
	for sequence < len(s.members)-1 && s.members[sequence].end <= i {
		sequence++
	}
	if s.position(i) < s.second[sequence] {
		return 0
	}
	return 1
}

// Project computes what some embedding models make of n pooled vectors, rows of Width, in the end: products with dense layers, which
// change their width to VectorWidth. It returns x itself where there are none, and memory of the session otherwise, which is valid
// until it is used again.
func (s *Session) Project(x []float32, n int) []float32 {
	if len(s.model.graph.dense) > 0 {
		s.arena.reset()
	}
	for i := range s.model.graph.dense {
		d := &s.model.graph.dense[i]
		y := s.arena.floats(n * d.w.Rows)
		s.apply(x, n, output{y, d})
		x = y
	}
	return x
}

// VectorWidth is the number of elements of what Project gives.
func (m *Model) VectorWidth() int {
	if n := len(m.graph.dense); n > 0 {
		return m.graph.dense[n-1].w.Rows
	}
	return m.graph.width
}
