package model

// buildStarCoder2 builds StarCoder2: LayerNorm, rotary positions in halves, GELU without a gate, biases everywhere.
func buildStarCoder2(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		a.window = l.window()
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, gelu),
		})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
