package model

// buildJamba builds Jamba: attention without positions in some layers, in the others Mamba whose dt, B and C are normalised, and experts
// in every second layer.
func buildJamba(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	if l.given("expert_count") {
		h = l.withExperts(h, false)
	}
	g := &graph{}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"ffn_norm", h.width)}
		if h.kvHeads > 0 {
			a := l.attention(p, h)
			a.rope = noRope
			b.mixer = a
		} else {
			m := l.mamba(p, h.width, space)
			m.lowNorm, m.bNorm = l.rmsNorm(p+"ssm_dt_norm", space.rank), l.rmsNorm(p+"ssm_b_norm", space.states)
			m.cNorm = l.rmsNorm(p+"ssm_c_norm", space.states)
			b.mixer = m
		}
		b.ffn = l.routedFFN(p, h, h.experts > 0 && l.has(p+"ffn_gate_inp.weight"))
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
