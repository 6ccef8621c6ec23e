package model

// buildFalcon builds Falcon: LayerNorm, q, k and v in one matrix, rotary positions in halves, GELU as it is defined, both parts side
// by side, behind one norm or, in the larger ones, each behind its own (attn_norm_2 is attention's then).
func buildFalcon(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &parallel{norm: l.layerNorm(p+"attn_norm", h.width), mixer: l.fusedAttention(p, h), ffn: l.plainFFN(p, h, exactGELU)}
		if l.has(p + "attn_norm_2.weight") {
			b.ffnNorm, b.norm = b.norm, l.layerNorm(p+"attn_norm_2", h.width)
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
