package model

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/runtime/kernel"
)

// head makes scores of a text's vector, in rerankers and other classifiers: out(norm(act(dense(x)))). The zero value is that there is none.
type head struct {
	pooling string // of the activations of a text's tokens: cls, mean or last
	dense   linear // width -> width; without matrix neither this nor act nor norm is there
	act     func(p *kernel.Pool, x []float32)
	norm    norm
	out     linear // width -> one score for each label
	minus   bool   // the score is the first less the second: the logit of a choice between two
}

func headTanh(_ *kernel.Pool, x []float32) {
	for i, v := range x {
		x[i] = float32(elementary.Tanh(float64(v)))
	}
}

func headReLU(p *kernel.Pool, x []float32) { p.ReLU(x) }
func headGELU(p *kernel.Pool, x []float32) { p.ExactGELU(x) }

// classifier loads the head of an encoder, if the file has one. It takes the first token's vector unless a key says otherwise.
func (l *loader) classifier(h hparams, act func(p *kernel.Pool, x []float32)) head {
	head := head{pooling: "cls", act: act}
	if l.given("classifier.pooling_type") || l.arch == "modern-bert" {
		switch n := l.integerOr("classifier.pooling_type", 0); n {
		case 0: // the architecture's
			head.pooling = ""
		case 1, 2:
			head.pooling = poolings[n]
		default:
			l.fail("metadata %s is %d, expected 1 (mean) or 2 (cls)", l.key("classifier.pooling_type"), n)
		}
	}
	if l.has("cls.weight") {
		rows := h.width
		if !l.has("cls.output.weight") && l.invent == nil {
			rows = l.rows("cls.weight") // a head for masked words, or of labels that are not named
		}
		head.dense = l.linear("cls", h.width, rows)
		if l.has("cls.norm.weight") {
			head.norm = l.modernNorm("cls.norm", h.width)
		}
	}
	if l.has("cls.output.weight") {
		head.out = l.linear("cls.output", h.width, l.labels())
	}
	return head
}

// labels is the number of scores: the rows of cls.output, with which the names must agree.
func (l *loader) labels() int {
	rows := l.rows("cls.output.weight")
	l.value("classifier.output_labels")
	if n := len(l.md.Strings(l.key("classifier.output_labels"))); n > 0 && n != rows && l.invent == nil {
		l.fail("tensor cls.output.weight has %d rows, but metadata %s names %d", rows, l.key("classifier.output_labels"), n)
	}
	return rows
}

// yesNo loads the head of a language model that ranks, and answers yes or no: these two rows of the output.
func (l *loader) yesNo(width int) head {
	if n := l.integerOr("pooling_type", 0); n >= len(poolings) || poolings[n] != "rank" || !l.has("cls.output.weight") {
		return head{}
	}
	l.labels()
	return head{pooling: "last", out: l.linear("cls.output", width, 2), minus: true}
}

// Scores says how many numbers Session.Score gives: 0 for models that make none.
func (m *Model) Scores() int {
	h := &m.graph.head
	switch {
	case h.out.w == nil:
		return 0
	case h.minus:
		return 1
	}
	return h.out.w.Rows
}

// HasPooler reports whether there is a matrix between a text's vector and its scores.
func (m *Model) HasPooler() bool { return m.graph.head.dense.w != nil }

// Score makes dst, Scores numbers, the logits that the model gives a text, or a pair of texts, of which rows are the activations of the
// tokens, as EvaluatePairs gives them.
func (s *Session) Score(dst, rows []float32) error {
	h, width := &s.model.graph.head, s.model.Width()
	if n := s.model.Scores(); n == 0 || len(dst) != n || len(rows) < width {
		return fmt.Errorf("%w: %d scores of %d activations: the model gives %d of a text", gguf.ErrUnsupported, len(dst), len(rows), n)
	}
	s.arena.reset()
	x, sums := s.arena.floats(width), make([]float64, width)
	Pool(h.pooling, x, sums, rows, 0)
	if h.dense.w != nil {
		y := s.arena.floats(h.dense.w.Rows)
		s.apply(x, 1, output{y, &h.dense})
		h.act(s.pool, y)
		if x = y; h.norm.weight != nil {
			h.norm.apply(s, x, x)
		}
	}
	logits := s.arena.floats(h.out.w.Rows)
	s.apply(x, 1, output{logits, &h.out})
	if h.minus {
		logits[0] -= logits[1]
	}
	copy(dst, logits)
	return nil
}

// Probability is what a logit says: 1/(1+exp(-logit)).
func Probability(logit float32) float64 { return 1 / (1 + math.Exp(-float64(logit))) }
