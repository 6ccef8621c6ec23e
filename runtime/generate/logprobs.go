package generate

import "math"

// Probable is a token and the logarithm of its probability.
type Probable struct {
	ID      int32
	LogProb float64
}

// LogProbs are, under the softmax of logits, that of token id, and those of the top likeliest tokens, the likeliest first.
func LogProbs(logits []float32, id int32, top int) (of float64, best []Probable) {
	most := math.Inf(-1)
	for _, v := range logits {
		most = max(most, float64(v))
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - most)
	}
	log := func(id int32) float64 { return float64(logits[id]) - most - math.Log(sum) }
	if top = min(top, len(logits)); top > 0 {
		var o order
		for _, key := range o.best(logits, top) {
			id := int32(uint32(key))
			best = append(best, Probable{id, log(id)})
		}
	}
	return log(id), best
}
