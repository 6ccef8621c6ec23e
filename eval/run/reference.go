package run

import (
	"math"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/internal/elementary"
)

// Reference predicts what candidates are compared with: a model in lockstep ([Live]) or stored predictions.
type Reference interface {
	// begin is called once a chunk, load for each block of its scored positions in order.
	begin(w *text.Window) error
	load(w *text.Window, at, n int) error
	// predict gives position i of the block, whose next token is next. It may be called from several goroutines, each
	// with a scratch of its own, in which it leaves what divergence needs.
	predict(i int, next int32, s *scratch) prediction
	// divergence is KL(reference || q) of the position that s was last filled with, and how much more it may be where
	// the reference is not known in full.
	divergence(q []float32, lse float64, s *scratch) (kld, bound float64)
}

// prediction is what the reference says at one position.
type prediction struct {
	nll float64
	top topIDs
}

// scratch is a goroutine's memory.
type scratch struct {
	logits []float32 // the reference's row
	exp    []float64 // exp of it, shifted by the largest; the probabilities times sum
	sum    float64
	lse    float64
	stored any
}

// Live is a reference that is evaluated beside the candidates.
func Live(m Candidate) Reference { return &live{newScorer(m.Session, m.Vocab)} }

type live struct{ *scorer }

func (r *live) predict(i int, next int32, s *scratch) prediction {
	row := r.row(i)
	top := topFive(row)
	s.fill(row, row[top[0]])
	return prediction{s.lse - float64(row[next]), top}
}

// fill keeps a row of logits and their exponentials.
func (s *scratch) fill(row []float32, top float32) {
	if cap(s.exp) < len(row) {
		s.exp = make([]float64, len(row))
	}
	s.logits, s.exp = row, s.exp[:len(row)]
	s.sum = softmax.Exp(s.exp, row, top)
	s.lse = float64(top) + elementary.Log(s.sum)
}

func (r *live) divergence(q []float32, lse float64, s *scratch) (float64, float64) {
	sum := softmax.Divergence(s.exp, s.logits, q, lse-s.lse, 0)
	return math.Max(0, sum/s.sum), 0 // rounding may leave it a hair below
}
