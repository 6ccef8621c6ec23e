package model

// buildMistral3 builds Mistral 3 and Ministral 3: Llama, in which queries may have a temperature that grows with their position.
func buildMistral3(l *loader) *graph {
	scale := l.positiveOr("attention.temperature_scale", 0)
	g := buildLlama(l)
	l.yarnLogMultiplier(&g.ropes[0])
	return g.blocks(func(_ string, _ *block, a *attention) {
		if scale > 0 {
			a.temperature = temperature{length: l.count("rope.scaling.original_context_length"), scale: scale}
		}
	})
}
