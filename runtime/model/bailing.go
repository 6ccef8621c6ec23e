package model

// buildBailing builds Ling of 2025: DeepSeekMoE.
func buildBailing(l *loader) *graph { return buildDeepSeek(l) }

// buildBailing2 builds Ling and Ring 2: norms of queries and keys, rotary positions in halves of a part of each head, and experts as
// DeepSeek-V3 has them.
func buildBailing2(l *loader) *graph {
	h := l.withRouting(l.hparams(), sigmoid, false)
	l.value("nextn_predict_layers")
	experts := l.hasExperts(h.layers)
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		l.headNorms(a, p)
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.routedFFN(p, h, experts[i]),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
