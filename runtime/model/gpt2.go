package model

// buildGPT2 builds GPT-2: LayerNorm, learned positions, q, k and v in one matrix, GELU without a gate,
// biases everywhere.
func buildGPT2(l *loader) *graph {
	h := l.hparams()
	g := &graph{positions: l.matrix("position_embd.weight", h.width, h.context)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		a.rope = noRope
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, gelu),
		})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
