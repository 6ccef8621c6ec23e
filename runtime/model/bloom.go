package model

// buildBloom builds Bloom: LayerNorm, also of the embeddings, q, k and v in one matrix, ALiBi, GELU without a gate, biases everywhere.
func buildBloom(l *loader) *graph {
	h := l.hparams()
	g := &graph{embedNorm: l.layerNorm("token_embd_norm", h.width), biases: []positionBias{alibi(h.heads, 8)}}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		a.rope, a.bias = noRope, 1
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, gelu),
		})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
