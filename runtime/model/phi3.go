package model

// buildPhi3 builds Phi-3 and what is shaped like it: q, k and v in one matrix, gate and up in another,
// rotary positions in halves, a sliding window, and in the long-context versions two sets of rotary
// factors (longrope), the short one for sequences up to the original context.
func buildPhi3(l *loader) *graph {
	h := l.hparams()
	r := l.rope(h, true, true)
	if l.has("rope_factors_long.weight") || l.has("rope_factors_short.weight") {
		r.Factors = l.ropeFactors("rope_factors_short.weight", r.Dims/2)
		r.long = l.ropeFactors("rope_factors_long.weight", r.Dims/2)
		r.original = l.count("rope.scaling.original_context_length")
	}
	g := &graph{ropes: []rope{r}}
	for i := range h.layers {
		p := layerName(i)
		b := block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), attn: l.fusedAttention(p, h),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width),
		}
		b.attn.window = l.window()
		both, _ := l.linear(p+"ffn_up", h.width, 2*h.hidden)
		parts := both.split(h.hidden, h.hidden)
		b.ffn.gate, b.ffn.up = parts[0], parts[1]
		b.ffn.down, _ = l.linear(p+"ffn_down", h.hidden, h.width)
		g.blocks = append(g.blocks, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
