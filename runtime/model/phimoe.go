package model

// buildPhiMoE builds Phi-3.5-MoE: Phi-3 with LayerNorm, biases everywhere, also of the logits, and experts that SparseMixer chooses.
func buildPhiMoE(l *loader) *graph {
	h := l.withExperts(l.hparams(), false)
	if h.gating = sparseMixer; h.usedExperts != 2 {
		l.fail("metadata %s is %d: SparseMixer chooses 2", l.key("expert_used_count"), h.usedExperts)
	}
	g := &graph{ropes: l.ropes(h, halves)}
	l.longRope(&g.ropes[0])
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.anyAttention(p, h)
		a.window = l.window()
		g.layers = append(g.layers, &block{
			attnNorm: l.layerNormWith(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.layerNormWith(p+"ffn_norm", h.width), ffn: l.moe(p, h),
		})
	}
	return g.finish(l, h, l.layerNormWith("output_norm", h.width))
}

// layerNormWith is layerNorm with what is added to the variance under the name that RMSNorm has for it.
func (l *loader) layerNormWith(name string, n int) norm {
	m := l.rmsNorm(name, n)
	m.bias, m.layer = l.vectorIf(name+".bias", n), true
	return m
}
