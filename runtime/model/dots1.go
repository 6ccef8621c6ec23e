package model

// buildDots1 builds dots.llm1: Qwen3 with experts as DeepSeek-V3 has them.
func buildDots1(l *loader) *graph {
	return l.routed(l.withRouting(l.hparams(), sigmoid, false), halves).blocks(func(p string, _ *block, a *attention) { l.headNorms(a, p) })
}
