package model

import (
	"math"

	"github.com/carat-llm/carat/internal/elementary"
)

// buildDeepSeek2 builds DeepSeek-V2, V3 and R1, GLM-4.7-Flash and Kimi K2: multi-head latent attention, the first layers dense, in the
// others experts, chosen by softmax or by sigmoids with a correction, and some that every token uses.
func buildDeepSeek2(l *loader) *graph {
	h := l.hparams()
	otherwise := softmax // of files that do not say; DeepSeek-V3's experts have a correction
	for i := range h.layers {
		if l.has(layerName(i) + "exp_probs_b.bias") {
			otherwise = sigmoid
		}
	}
	if l.given("expert_count") {
		h = l.withRouting(h, otherwise, false)
	} else { // Youtu has none, and its files say how large they would be
		l.value("expert_feed_forward_length")
		l.value("expert_shared_count")
	}
	experts := l.hasExperts(h.layers)
	h.layers -= l.skipNext(h.layers)
	g := &graph{ropes: l.ropes(h, interleaved)}
	scale := 1.0
	if f := l.yarnLogMultiplier(&g.ropes[0]); f > 0 && g.ropes[0].Yarn != nil {
		scale += float64(f * elementary.Log(1/g.ropes[0].Scale))
	}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.latentAttention(p, h, g.ropes[0].Dims)
		a.scale = float32(float64(scale*scale) / math.Sqrt(float64(a.plain+a.rotated)))
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.routedFFN(p, h, h.experts > 0 && experts[i]),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
