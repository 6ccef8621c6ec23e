package model

// buildMPT builds MPT: LayerNorm, q, k and v in one matrix and limited, ALiBi or learned positions, GELU as it is defined without a
// gate; in some versions a LayerNorm over all heads of q together and over those of k.
func buildMPT(l *loader) *graph {
	h := l.hparams()
	g, bias := &graph{}, 0
	if most := l.positiveOr("attention.max_alibi_bias", 0); most > 0 {
		g.biases, bias = []positionBias{alibi(h.heads, most)}, 1
	}
	if l.has("position_embd.weight") {
		g.positions = l.matrix("position_embd.weight", h.width, h.context)
	}
	clamp := l.positiveOr("attention.clamp_kqv", 0)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		a.rope, a.bias, a.clamp = noRope, bias, float32(clamp)
		if l.has(p + "attn_q_norm.weight") {
			a.qNorm, a.kNorm = l.layerNorm(p+"attn_q_norm", h.heads*h.dim), l.layerNorm(p+"attn_k_norm", h.kvHeads*h.dim)
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, exactGELU),
		})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
