package model

// buildOLMo builds OLMo: Llama with norms that have no weights, and limits of queries, keys and values.
func buildOLMo(l *loader) *graph {
	h := l.hparams()
	plain := l.plainLayerNorm(h.width)
	clamp := l.positiveOr("attention.clamp_kqv", 0)
	g := &graph{ropes: l.ropes(h, interleaved)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		a.clamp = float32(clamp)
		g.layers = append(g.layers, &block{attnNorm: plain, mixer: a, ffnNorm: plain, ffn: l.gatedFFN(p, h, silu)})
	}
	return g.finish(l, h, plain)
}
