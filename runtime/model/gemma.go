package model

import "math"

// buildGemma builds Gemma: Llama with GELU gates and embeddings scaled by the root of the width. (The converter adds 1 to the
// norms' weights.)
func buildGemma(l *loader) *graph {
	g := buildPlain(l, true, noExperts).blocks(func(_ string, b *block, _ *attention) { b.ffn.(*ffn).act = gelu })
	g.scale = float32(math.Sqrt(float64(g.width)))
	return g
}
