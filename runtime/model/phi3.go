package model

import "github.com/carat-llm/carat/runtime/kernel"

// buildPhi3 builds Phi-3 and what is shaped like it: q, k and v in one matrix, gate and up in another,
// rotary positions in halves, a sliding window, and in the long-context versions two sets of rotary
// factors (longrope), the short one for sequences up to the original context.
func buildPhi3(l *loader) *graph {
	h := l.hparams()
	r := l.rope(h, true)
	l.longRope(&r)
	g := &graph{ropes: []kernel.Rope{r}}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		a.window = l.window()
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.fusedFFN(p, h, silu),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
