package model

// buildDeepSeek builds DeepSeekMoE: Llama, the first layers dense, in the others experts and some that every token uses.
func buildDeepSeek(l *loader) *graph {
	return l.routed(l.withRouting(l.hparams(), softmax, false), interleaved)
}
