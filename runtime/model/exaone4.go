package model

// buildEXAONE4 builds EXAONE 4: norms behind each part instead of before it, and of the heads of q and k. In the larger ones three
// of four layers have a sliding window, and the others no positions.
func buildEXAONE4(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	window, sliding := l.window(), l.slidingLayers(h.layers, 4)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		l.headNorms(a, p)
		switch {
		case window > 0 && sliding[i]:
			a.window = window
		case window > 0:
			a.rope = noRope
		}
		g.layers = append(g.layers, &block{
			mixer: a, postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffn: l.gatedFFN(p, h, silu), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
