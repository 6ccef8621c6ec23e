package model

import "github.com/carat-llm/carat/runtime/kernel"

// buildMiniCPM builds MiniCPM: Llama with factors for embeddings, what layers add, and logits, and in version 4 two sets of factors of
// rotary frequencies.
func buildMiniCPM(l *loader) *graph {
	for _, name := range []string{"embedding_scale", "residual_scale", "logit_scale"} { // which files of 2024 lack
		if !l.given(name) {
			l.fail("metadata %s is missing: convert the checkpoint again", l.key(name))
		}
	}
	g := l.graniteFactors(buildPlain(l, interleaved, noExperts))
	l.switching(&g.ropes[0])
	return g
}

// switching loads the two sets of factors of longrope if there are any; without the key for it the original context is the whole.
func (l *loader) switching(r *kernel.Rope) {
	if l.has("rope_factors_long.weight") || l.has("rope_factors_short.weight") {
		r.Factors, r.LongFactors = l.ropeFactors("rope_factors_short.weight", r.Dims/2), l.ropeFactors("rope_factors_long.weight", r.Dims/2)
		r.Original = l.countOr("rope.scaling.original_context_length", l.count("context_length"))
	}
}
