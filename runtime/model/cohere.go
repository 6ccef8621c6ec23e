package model

// buildCommandR builds Command R: LayerNorm without bias, attention and SwiGLU side by side behind it, in the larger ones a norm of
// each head of q and k with weights of its own, and a factor of the logits.
func buildCommandR(l *loader) *graph {
	g := l.cohere()
	for i, x := range g.layers {
		a, p := x.(*parallel).mixer.(*attention), layerName(i)
		if l.has(p + "attn_q_norm.weight") {
			a.qNorm, a.kNorm = l.headLayerNorm(p+"attn_q_norm", a.dim, a.heads), l.headLayerNorm(p+"attn_k_norm", a.dim, a.kvHeads)
		}
	}
	return g
}

// buildCohere2 builds Command R7B and A: three of four layers have a sliding window and rotary positions, the others neither.
func buildCohere2(l *loader) *graph {
	g := l.cohere()
	window, sliding := l.count("attention.sliding_window"), l.slidingLayers(len(g.layers), 4)
	for i, x := range g.layers {
		a := x.(*parallel).mixer.(*attention)
		if a.rope, a.window = noRope, 0; sliding[i] {
			a.rope, a.window = 0, window
		}
	}
	return g
}

func (l *loader) cohere() *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, interleaved), outputScale: float32(l.factor("logit_scale"))}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		g.layers = append(g.layers, &parallel{norm: l.layerNorm(p+"attn_norm", h.width), mixer: l.attention(p, h), ffn: l.gatedFFN(p, h, silu)})
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
