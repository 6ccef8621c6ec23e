package model

// buildSeedOSS builds Seed-OSS: Llama with biases on q, k and v and rotary positions in halves. The norm before the feed-forward
// part is called post_attention_norm.
func buildSeedOSS(l *loader) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: l.attention(p, h),
			ffnNorm: l.rmsNorm(p+"post_attention_norm", h.width), ffn: l.gatedFFN(p, h, silu),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
