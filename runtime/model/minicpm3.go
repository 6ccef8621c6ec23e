package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// buildMiniCPM3 builds MiniCPM 3: multi-head latent attention with rotary positions in halves, in some versions with two sets of
// factors, and MiniCPM's own factors, for which files have no keys.
func buildMiniCPM3(l *loader) *graph {
	const embeddings, depth, base = 12, 1.4, 256
	h := l.hparams()
	h.valueDim = l.countOr("attention.value_length", max(1, h.width/max(1, h.heads)))
	r := l.rope(h, halves)
	l.switching(&r)
	g := &graph{ropes: []kernel.Rope{r}, scale: embeddings, outputScale: float32(base / float64(h.width))}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.latentAttention(p, h, r.Dims)
		a.scale = float32(1 / math.Sqrt(float64(a.plain+a.rotated)))
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.gatedFFN(p, h, silu),
			residual: float32(depth / math.Sqrt(float64(h.layers))),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
