package model

// buildGPTNeoX builds GPT-NeoX and Pythia: LayerNorm, q, k and v in one matrix, rotary positions in a part of each head, GELU as
// it is defined, both parts side by side with a norm for each, biases everywhere.
func buildGPTNeoX(l *loader) *graph {
	h := l.hparams()
	side := l.flag("use_parallel_residual", true)
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), mixer: l.fusedAttention(p, h),
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width), ffn: l.plainFFN(p, h, exactGELU),
		}
		if side {
			g.layers = append(g.layers, &parallel{norm: b.attnNorm, mixer: b.mixer, ffnNorm: b.ffnNorm, ffn: b.ffn})
		} else {
			g.layers = append(g.layers, b)
		}
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
