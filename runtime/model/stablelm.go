package model

// buildStableLM builds StableLM: LayerNorm, rotary positions in a part of each head, SwiGLU; the larger ones normalise each head
// of q and k with weights of its own and compute both parts of a layer from the same norm.
func buildStableLM(l *loader) *graph {
	h := l.hparams()
	l.value("use_parallel_residual") // follows from the tensors
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		if l.has(p + "attn_q_norm.weight") {
			a.qNorm, a.kNorm = l.headLayerNorm(p+"attn_q_norm", h.dim, h.heads), l.headLayerNorm(p+"attn_k_norm", h.dim, h.kvHeads)
		}
		attnNorm, f := l.layerNorm(p+"attn_norm", h.width), l.gatedFFN(p, h, silu)
		if l.has(p + "ffn_norm.weight") {
			g.layers = append(g.layers, &block{attnNorm: attnNorm, mixer: a, ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: f})
		} else {
			g.layers = append(g.layers, &parallel{norm: attnNorm, mixer: a, ffn: f})
		}
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
