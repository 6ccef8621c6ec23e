package eval

import (
	"context"
	"math"
)

// blockRows is how many positions have their logits in memory at a time: memory is blockRows x vocab
// floats a model, not half a chunk of them.
const blockRows = 32

// scorer runs one model over windows, a block of positions at a time.
type scorer struct {
	session Session
	vocab   int
	logits  []float32 // blockRows x vocab
}

func newScorer(s Session, vocab int) *scorer {
	return &scorer{s, vocab, make([]float32, blockRows*vocab)}
}

// start evaluates what comes before the window's first scored position.
func (s *scorer) start(w window) error {
	s.session.Reset()
	if w.first == 0 {
		return nil
	}
	return s.session.Forward(w.ids[:w.first], w.first, nil)
}

// block evaluates positions at..at+n-1 and leaves their logits, n x vocab.
func (s *scorer) block(w window, at, n int) error {
	return s.session.Forward(w.ids[at:at+n], 0, s.logits[:n*s.vocab])
}

func (s *scorer) row(i int) []float32 { return s.logits[i*s.vocab : (i+1)*s.vocab] }

// eachRow runs the scorers in lockstep over w and calls score for each scored position: its index i
// within the scorers' logits and the token that follows.
func eachRow(ctx context.Context, w window, scorers []*scorer, score func(i int, next int32)) error {
	for _, s := range scorers {
		if err := s.start(w); err != nil {
			return err
		}
	}
	last := len(w.ids) - 1 // the last token has no successor to predict
	for at := w.first; at < last; at += blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(blockRows, last-at)
		for _, s := range scorers {
			if err := s.block(w, at, n); err != nil {
				return err
			}
		}
		for i := range n {
			score(i, w.ids[at+i+1])
		}
	}
	return nil
}

// logSumExp is log(sum(exp(logits))) in float64, shifted by the largest logit, which is also returned
// with its index (the first of equals).
func logSumExp(logits []float32) (lse float64, top int) {
	for i, v := range logits {
		if v > logits[top] {
			top = i
		}
	}
	m := float64(logits[top])
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - m)
	}
	return m + math.Log(sum), top
}
