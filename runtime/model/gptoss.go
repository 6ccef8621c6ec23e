package model

import "github.com/carat-llm/carat/runtime/kernel"

// buildGPTOSS builds gpt-oss: biases everywhere, a sink for each head, a sliding window in every second layer, beginning with the first,
// and experts with a limited SwiGLU. The ends of YaRN's blend are no whole pairs. The norm before the feed-forward part is called
// post_attention_norm.
func buildGPTOSS(l *loader) *graph {
	h := l.withExperts(l.hparams(), true)
	g := &graph{ropes: l.ropes(h, halves)}
	if y := g.ropes[0].Yarn; y != nil {
		y.Fractional = true
	}
	window, sliding := l.count("attention.sliding_window"), l.slidingLayers(h.layers, 2)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a, m := l.attention(p, h), l.moe(p, h)
		a.sinks = l.vector(p+"attn_sinks.weight", h.heads)
		if sliding[i] {
			a.window = window
		}
		for e := range m.experts {
			m.experts[e].act = activation{gated: (*kernel.Pool).LimitedSwiGLU}
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"post_attention_norm", h.width), ffn: m,
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
