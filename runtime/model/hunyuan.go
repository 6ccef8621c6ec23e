package model

// buildHunYuanDense builds HunYuan's dense models: Qwen3 whose heads are normalised after they were turned.
func buildHunYuanDense(l *loader) *graph {
	return buildHeadNormed(l, noExperts).blocks(func(_ string, _ *block, a *attention) { a.normLast = true })
}
