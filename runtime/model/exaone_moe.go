package model

// buildEXAONEMoE builds K-EXAONE: norms of the heads, three of four layers with a sliding window and rotary positions, the others with
// neither, experts as DeepSeek-V3 has them. Layers that predict further tokens are left out.
func buildEXAONEMoE(l *loader) *graph {
	h := l.withRouting(l.hparams(), sigmoid, true)
	experts := l.hasExperts(h.layers)
	h.layers -= l.skipNext(h.layers)
	window, sliding := l.count("attention.sliding_window"), l.slidingLayers(h.layers, 4)
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		l.headNorms(a, p)
		if a.rope = noRope; sliding[i] {
			a.rope, a.window = 0, window
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.routedFFN(p, h, experts[i]),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
