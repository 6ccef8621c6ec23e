package model

// buildNemotron builds Nemotron: LayerNorm, rotary positions in a part of each head, squared ReLU without a gate. (The converter adds 1
// to the norms' weights.)
func buildNemotron(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: l.attention(p, h),
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, reluSquared),
		})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
