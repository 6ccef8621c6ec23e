package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Params choose how a token is drawn from logits. The steps are those of llama.cpp, in its order: penalties of tokens that repeat, DRY,
// top-k, typical-p, top-p, min-p, XTC, temperature, a draw. Each looks at what the one before left; zero values leave a step out,
// except for TopP.
type Params struct {
	// Temperature divides the logits; 0 takes the likeliest token that is left, and draws nothing.
	Temperature float64
	// TopK is the number of tokens to choose from; 0 means all.
	TopK int
	// TypicalP is the probability of the tokens to choose from, those first whose surprise is nearest to the mean one, the entropy
	// (Meister et al. 2022); 0 and 1 mean all. At least one token is kept.
	TypicalP float64
	// TopP is the probability to choose from, 0 < TopP <= 1, the likeliest tokens first; 1 means all. At least one token is kept.
	TopP float64
	// MinP is the least probability of a token, as a part of the likeliest one's; 0 means any.
	MinP float64
	XTC
	Penalties
	DRY
	// Seed makes the draws repeatable: equal logits and seeds give equal tokens.
	Seed uint64
}

// Sampler draws tokens, and knows those before them.
type Sampler struct {
	params Params
	random *rand.Rand
	chance *rand.Rand // XTC's
	past   past
	heads  map[int32][][]int32 // DRY's breakers: the tokens behind the first, by the first

	// Memory that is kept from token to token.
	logits []float32
	order  order
	tokens []candidate
	counts []int32
	dry    dryWork
}

type candidate struct {
	id          int32
	logit       float32
	probability float64
}

// NewSampler checks the parameters.
func NewSampler(p Params) (*Sampler, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	s := &Sampler{params: p, random: rand.New(rand.NewPCG(p.Seed, 0)), chance: rand.New(rand.NewPCG(p.Seed, 1)), heads: map[int32][][]int32{}}
	if p.penalises() {
		s.past.most = p.Penalties.LastN
	}
	if p.dries() {
		s.past.most = max(s.past.most, p.DRY.Window)
		for _, b := range p.Breakers {
			s.heads[b.Head] = append(s.heads[b.Head], b.Tail)
		}
	}
	return s, nil
}

func (p *Params) check() error {
	for _, f := range []struct {
		name        string
		value       float64
		least, most float64
	}{
		{"temperature", p.Temperature, 0, math.MaxFloat64}, {"typical-p", p.TypicalP, 0, 1}, {"top-p", p.TopP, 0, 1}, {"min-p", p.MinP, 0, 1},
		{"XTC's probability", p.XTC.Probability, 0, 1}, {"XTC's threshold", p.XTC.Threshold, 0, 1},
		{"repeat penalty", p.Repeat, 0, math.MaxFloat32}, {"presence penalty", p.Presence, -math.MaxFloat32, math.MaxFloat32},
		{"frequency penalty", p.Frequency, -math.MaxFloat32, math.MaxFloat32},
		{"DRY's multiplier", p.DRY.Multiplier, 0, math.MaxFloat32}, {"DRY's base", p.DRY.Base, 0, math.MaxFloat32},
	} {
		if !(f.value >= f.least && f.value <= f.most) {
			return fmt.Errorf("%s must be from %g to %g (got %g)", f.name, f.least, f.most, f.value)
		}
	}
	if p.TopP == 0 {
		return fmt.Errorf("top-p must be above 0")
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"top-k", p.TopK}, {"the window of penalties", p.Penalties.LastN}, {"DRY's window", p.DRY.Window}, {"DRY's allowed length", p.Allowed}} {
		if n.value < 0 {
			return fmt.Errorf("%s must not be negative (got %d)", n.name, n.value)
		}
	}
	return nil
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

// Accept notes tokens that came next: of the prompt, and each that was drawn. Penalties and DRY look at them.
func (s *Sampler) Accept(ids ...int32) { s.past.add(ids) }

// Sample draws a token; logits, one for each token of the vocabulary, are not changed. The first draws allocate, the others do not.
func (s *Sampler) Sample(logits []float32) int32 {
	p := &s.params
	logits = s.penalised(logits)
	if p.Temperature == 0 && !p.narrows() && !p.excludes() {
		return Greedy(logits) // which no other step takes away
	}
	tokens := s.left(logits)
	if p.Temperature == 0 {
		return likeliest(tokens).id
	}
	softmax(tokens, p.Temperature)
	rest := s.random.Float64()
	for _, c := range tokens {
		if rest -= c.probability; rest < 0 {
			return c.id
		}
	}
	return tokens[len(tokens)-1].id // rounding left a little over
}

// penalised are the logits behind the penalties, in memory of the sampler if there are any.
func (s *Sampler) penalised(logits []float32) []float32 {
	if !s.params.penalises() && !s.params.dries() {
		return logits
	}
	s.logits = append(s.logits[:0], logits...)
	s.penalise(s.logits)
	s.penaliseRepeats(s.logits)
	return s.logits
}

// narrows reports whether typical-p is a step.
func (p *Params) narrows() bool { return p.TypicalP > 0 && p.TypicalP < 1 }

// left are the tokens to draw from.
func (s *Sampler) left(logits []float32) []candidate {
	p := &s.params
	s.tokens = s.tokens[:0]
	if p.TopK > 0 || p.narrows() || p.TopP < 1 || p.excludes() {
		for _, key := range s.order.best(logits, p.TopK) {
			id := int32(uint32(key))
			s.tokens = append(s.tokens, candidate{id: id, logit: logits[id]})
		}
	} else { // steps that look at no order
		for i, v := range logits {
			s.tokens = append(s.tokens, candidate{id: int32(i), logit: v})
		}
	}
	tokens := s.tokens
	if p.narrows() {
		tokens = typicalP(tokens, p.TypicalP)
	}
	if p.TopP < 1 {
		tokens = topP(tokens, p.TopP)
	}
	if p.MinP > 0 {
		tokens = minP(tokens, p.MinP)
	}
	if p.excludes() && s.chance.Float64() <= p.XTC.Probability {
		tokens = excludeTop(tokens, p.XTC.Threshold)
	}
	return tokens
}
