package model

// buildGPT2 builds GPT-2: LayerNorm, learned positions, q, k and v in one matrix, GELU without a gate,
// biases everywhere.
func buildGPT2(l *loader) *graph {
	h := l.hparams()
	g := &graph{positions: l.matrix("position_embd.weight", h.width, h.context)}
	for i := range h.layers {
		p := layerName(i)
		b := block{
			attnNorm: l.layerNorm(p+"attn_norm", h.width), attn: l.fusedAttention(p, h),
			ffnNorm: l.layerNorm(p+"ffn_norm", h.width),
		}
		b.attn.rope = noRope
		b.ffn.up, _ = l.linear(p+"ffn_up", h.width, h.hidden)
		b.ffn.down, _ = l.linear(p+"ffn_down", h.hidden, h.width)
		g.blocks = append(g.blocks, b)
	}
	return g.finish(l, h, l.layerNorm("output_norm", h.width))
}
