package generate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Params choose how a token is drawn from logits. The steps run in this order: the TopK likeliest are
// kept; of these the likeliest whose probabilities first sum to TopP; temperature; a draw.
type Params struct {
	// Temperature divides the logits; 0 takes the likeliest token and ignores the rest.
	Temperature float64
	// TopK is the number of tokens to choose from; 0 means all.
	TopK int
	// TopP is the probability to choose from, 0 < TopP <= 1; 1 means all. At least one token is kept.
	TopP float64
	// Seed makes the draws repeatable: equal logits and seeds give equal tokens.
	Seed uint64
}

// Sampler draws tokens.
type Sampler struct {
	params Params
	random *rand.Rand
	tokens []candidate
}

type candidate struct {
	id          int32
	logit       float32
	probability float64
}

// NewSampler checks the parameters.
func NewSampler(p Params) (*Sampler, error) {
	switch {
	case !(p.Temperature >= 0) || math.IsInf(p.Temperature, 0):
		return nil, fmt.Errorf("temperature must not be negative (got %g)", p.Temperature)
	case p.TopK < 0:
		return nil, fmt.Errorf("top-k must not be negative (got %d)", p.TopK)
	case !(p.TopP > 0 && p.TopP <= 1):
		return nil, fmt.Errorf("top-p must be above 0 and at most 1 (got %g)", p.TopP)
	}
	return &Sampler{params: p, random: rand.New(rand.NewPCG(p.Seed, 0))}, nil
}

// Greedy returns the token of the largest logit, the first of equals.
func Greedy(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return int32(best)
}

// Sample draws a token; logits, one for each token of the vocabulary, are not changed.
func (s *Sampler) Sample(logits []float32) int32 {
	if s.params.Temperature == 0 {
		return Greedy(logits)
	}
	s.tokens = s.tokens[:0]
	for i, v := range logits {
		s.tokens = append(s.tokens, candidate{id: int32(i), logit: v})
	}
	if s.params.TopK > 0 || s.params.TopP < 1 {
		slices.SortFunc(s.tokens, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
		})
	}
	tokens := s.tokens
	if s.params.TopK > 0 {
		tokens = tokens[:min(s.params.TopK, len(tokens))]
	}
	if s.params.TopP < 1 {
		softmax(tokens, 1)
		sum := 0.0
		for i, c := range tokens {
			if sum += c.probability; sum >= s.params.TopP {
				tokens = tokens[:i+1]
				break
			}
		}
	}
	softmax(tokens, s.params.Temperature)
	rest := s.random.Float64()
	for _, c := range tokens {
		if rest -= c.probability; rest < 0 {
			return c.id
		}
	}
	return tokens[len(tokens)-1].id // rounding left a little over
}

// softmax sets the probabilities of the tokens at a temperature.
func softmax(tokens []candidate, temperature float64) {
	top := tokens[0].logit
	for _, c := range tokens {
		top = max(top, c.logit)
	}
	sum := 0.0
	for i, c := range tokens {
		tokens[i].probability = math.Exp(float64(c.logit-top) / temperature)
		sum += tokens[i].probability
	}
	for i := range tokens {
		tokens[i].probability /= sum
	}
}
