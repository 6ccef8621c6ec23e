package model

// buildHunYuanDense builds HunYuan's dense models: Qwen3 whose heads are normalised after they were rotated.
func buildHunYuanDense(l *loader) *graph {
	return buildHeadNormed(l, noExperts).blocks(func(_ string, _ *block, a *attention) { a.normLast = true })
}

// buildHunYuanMoE builds HunYuan's models with experts, and one that every token uses.
func buildHunYuanMoE(l *loader) *graph {
	h := l.hparams()
	h.sharedHidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	l.value("expert_shared_count")
	return buildHeadNormed(l, normalisedExperts).blocks(func(p string, b *block, a *attention) {
		a.normLast = true
		l.sharedExpert(b.ffn.(*moe), p, h, false)
	})
}
