package model

// buildOLMo2 builds OLMo 2 and 3: norms behind each part instead of before it, and an RMSNorm over all heads of q together and
// over those of k; in OLMo 3 three of four layers have a sliding window, and their positions are never scaled.
func buildOLMo2(l *loader) *graph {
	h := l.hparams()
	const globalRope, localRope = 0, 1
	g := &graph{ropes: l.ropes(h, halves)}
	window, sliding := l.window(), l.slidingLayers(h.layers, 4)
	if window > 0 {
		g.ropes = append(g.ropes, l.localRope(g.ropes[0]))
	}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		a.qNorm = l.rmsNorm(p+"attn_q_norm", h.heads*h.dim)
		a.kNorm = l.rmsNorm(p+"attn_k_norm", h.kvHeads*h.dim)
		if window > 0 && sliding[i] {
			a.rope, a.window = localRope, window
		}
		g.layers = append(g.layers, &block{
			mixer: a, postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffn: l.gatedFFN(p, h, silu), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
