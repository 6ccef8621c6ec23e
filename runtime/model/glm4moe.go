package model

import "strings"

// buildGLM4MoE builds GLM-4.5 to 4.7: biases on q, k and v, rotary positions in a part of each head, in some sizes norms of the heads,
// and experts as DeepSeek-V3 has them. The norm before the feed-forward part is called post_attention_norm. Layers behind the last
// predict further tokens and are left out.
func buildGLM4MoE(l *loader) *graph {
	h := l.withRouting(l.hparams(), sigmoid, true)
	l.value("rope.dimension_sections") // of images
	experts := l.hasExperts(h.layers)
	h.layers -= l.skipNext(h.layers)
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		if l.has(p + "attn_q_norm.weight") {
			l.headNorms(a, p)
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"post_attention_norm", h.width), ffn: l.routedFFN(p, h, experts[i]),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// skipNext leaves out the layers that predict tokens behind the next one, nextn_predict_layers, the last of all, and returns their
// number.
func (l *loader) skipNext(layers int) int {
	n := l.integerOr("nextn_predict_layers", 0)
	if n >= layers {
		if n > 0 {
			l.fail("metadata %s is %d, but there are only %d layers", l.key("nextn_predict_layers"), n, layers)
		}
		return 0
	}
	for name := range l.tensors {
		for i := layers - n; i < layers; i++ {
			if strings.HasPrefix(name, layerName(i)) {
				l.asked[name] = true
			}
		}
	}
	return n
}
