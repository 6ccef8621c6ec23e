package run

import (
	"math/rand/v2"
	"testing"
)

// rows are n rows of logits, spread as a model's are: most far below the largest.
func rows(n, vocab int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 5))
	out := make([]float32, n*vocab)
	for i := range out {
		out[i] = float32(3 * r.NormFloat64())
	}
	return out
}

// BenchmarkPosition compares one candidate with the reference at one position of a vocabulary of 49152 tokens.
func BenchmarkPosition(b *testing.B) {
	const vocab, n = 49152, 8
	ref := &live{&scorer{vocab: vocab, logits: rows(n, vocab, 1)}}
	q := &scorer{vocab: vocab, logits: rows(n, vocab, 2)}
	r := Run{Reference: ref, Candidates: []Candidate{{Vocab: vocab}}}
	r.scorers = []*scorer{q}
	var s scratch
	b.ResetTimer()
	for i := range b.N {
		r.position(i%n, int32(i%vocab), []int{0}, &s)
	}
}
