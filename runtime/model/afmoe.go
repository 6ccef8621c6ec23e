package model

import "math"

// buildAFMoE builds Arcee's Trinity: embeddings scaled by the root of the width, norms before and behind each part and of the heads,
// results of attention with a gate, three of four layers with a sliding window and rotary positions, the others with neither, experts
// chosen by sigmoids with a correction.
func buildAFMoE(l *loader) *graph {
	h := l.withRouting(l.hparams(), sigmoid, true)
	experts := l.hasExperts(h.layers)
	g := &graph{ropes: l.ropes(h, halves), scale: float32(math.Sqrt(float64(h.width)))}
	window, sliding := l.window(), l.slidingLayers(h.layers, 4)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		l.headNorms(a, p)
		a.gate = l.linear(p+"attn_gate", h.width, h.heads*h.valueDim)
		if a.rope = noRope; sliding[i] {
			a.rope, a.window = 0, window
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.routedFFN(p, h, experts[i]), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
