package generate

import (
	"math/rand/v2"
	"testing"
)

// randomLogits are those of a vocabulary as large as Llama 3's.
func randomLogits(n int) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	logits := make([]float32, n)
	for i := range logits {
		logits[i] = float32(3 * r.NormFloat64())
	}
	return logits
}

func BenchmarkSample(b *testing.B) {
	logits := randomLogits(128256)
	for name, p := range map[string]Params{
		"greedy":                {TopP: 1},
		"temperature":           {Temperature: 0.8, TopP: 1},
		"top-k=40":              {Temperature: 0.8, TopK: 40, TopP: 1},
		"top-k=40,top-p=0.95":   {Temperature: 0.8, TopK: 40, TopP: 0.95},
		"top-k=4000,top-p=0.95": {Temperature: 0.8, TopK: 4000, TopP: 0.95},
		"top-p=0.95":            {Temperature: 0.8, TopP: 0.95},
	} {
		b.Run(name, func(b *testing.B) {
			s, err := NewSampler(p)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Sample(logits)
			}
		})
	}
}
