package serve

import (
	"crypto/rand"
	"math"
	"unicode/utf8"

	"github.com/carat-llm/carat/runtime/generate"
)

type chatLogProbs struct {
	Content []tokenLogProb `json:"content"`
}

type tokenLogProb struct {
	logProb
	Top []logProb `json:"top_logprobs"`
}

type logProb struct {
	Token   string  `json:"token"`
	LogProb float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

// logProbs are those of tokens; nil if they are not wanted.
func (a *chatReply) logProbs(tokens []tokenProbs) *chatLogProbs {
	if !a.probs {
		return nil
	}
	out := &chatLogProbs{Content: make([]tokenLogProb, len(tokens))}
	for i, t := range tokens {
		out.Content[i] = tokenLogProb{a.server.logProb(t.Probable), make([]logProb, len(t.best))}
		for j, b := range t.best {
			out.Content[i].Top[j] = a.server.logProb(b)
		}
	}
	return out
}

func (s *Server) logProb(p generate.Probable) logProb {
	piece := s.tok.Piece(p.ID)
	out := logProb{s.piece(p.ID), leastProb(p.LogProb), make([]int, len(piece))}
	for i, b := range piece {
		out.Bytes[i] = int(b)
	}
	return out
}

// leastProb makes a number that JSON has of a logarithm: OpenAI's for what is next to impossible.
func leastProb(v float64) float64 {
	if !(v >= -9999) {
		return -9999
	}
	return math.Min(v, 0)
}

// piece is the text of a token; bytes that are no characters are told as replacement characters.
func (s *Server) piece(id int32) string {
	piece := s.tok.Piece(id)
	if utf8.Valid(piece) {
		return string(piece)
	}
	return string([]rune(string(piece)))
}

// newID is a name that no other answer has.
func newID(prefix string) string { return prefix + rand.Text() }

// callID names a call of a tool: nine letters and digits, as templates of Mistral want them.
func callID() string { return rand.Text()[:9] }
