package model

// buildPhi2 builds Phi-1.5 and Phi-2: attention and a feed-forward part with GELU side by side behind one LayerNorm, rotary positions
// in a part of each head, biases everywhere, also of the logits.
func buildPhi2(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		g.layers = append(g.layers, &parallel{norm: l.layerNorm(p+"attn_norm", h.width), mixer: l.anyAttention(p, h), ffn: l.plainFFN(p, h, gelu)})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
