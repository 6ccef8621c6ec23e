package generate

import (
	"cmp"
	"math"
	"slices"
)

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

// likeliest is the token with the largest logit, the first of equals.
func likeliest(tokens []candidate) candidate {
	best := tokens[0]
	for _, c := range tokens {
		if c.logit > best.logit || c.logit == best.logit && c.id < best.id {
			best = c
		}
	}
	return best
}

// byLogit is the order in which steps take tokens.
func byLogit(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
}

// typicalP keeps the tokens whose surprise, -log p, is nearest to the entropy, until they have more than the probability p. tokens are,
// and stay, in order.
func typicalP(tokens []candidate, p float64) []candidate {
	softmax(tokens, 1)
	entropy := 0.0
	for _, c := range tokens {
		if c.probability > 0 {
			entropy -= float64(c.probability * math.Log(c.probability))
		}
	}
	for i, c := range tokens { // the distance takes the place of the probability
		tokens[i].probability = math.Abs(-math.Log(c.probability) - entropy)
	}
	slices.SortFunc(tokens, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.probability, b.probability), byLogit(a, b)) })
	softmax(tokens, 1)
	sum := 0.0
	for i, c := range tokens {
		if sum += c.probability; sum > p {
			tokens = tokens[:i+1]
			break
		}
	}
	slices.SortFunc(tokens, byLogit)
	return tokens
}

// topP keeps the first tokens that have the probability p. tokens are in order.
func topP(tokens []candidate, p float64) []candidate {
	softmax(tokens, 1)
	sum := 0.0
	for i, c := range tokens {
		if sum += c.probability; sum >= p {
			return tokens[:i+1]
		}
	}
	return tokens
}

// minP keeps the tokens that have at least p times the probability of the likeliest, in their order.
func minP(tokens []candidate, p float64) []candidate {
	least := likeliest(tokens).logit + float32(math.Log(p))
	kept := tokens[:0]
	for _, c := range tokens {
		if c.logit >= least {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 { // no logit is a number
		return tokens[:1]
	}
	return kept
}

// XTC (exclude top choices, p-e-w 2024) takes away, with the given probability each time, all tokens that have the probability Threshold
// or more but for the last of them.
type XTC struct {
	Probability float64 // 0: never
	Threshold   float64 // above 0.5 there cannot be two such tokens
}

func (x *XTC) excludes() bool { return x.Probability > 0 && x.Threshold <= 0.5 }

// excludeTop is XTC when it happens. tokens are in order.
func excludeTop(tokens []candidate, threshold float64) []candidate {
	softmax(tokens, 1)
	last := 0
	for i, c := range tokens {
		if c.probability < threshold {
			break
		}
		last = i
	}
	return tokens[last:]
}
