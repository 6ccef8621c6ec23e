package model

// buildGLM builds GLM-4 of 2024 and ChatGLM: rotary positions in pairs of neighbours in a part of each head, biases on q, k and
// v, which may be one matrix, and gate and up in one.
func buildGLM(l *loader) *graph { return l.glm(false) }

// buildGLM4 builds GLM-4 of 2025 (0414): GLM with norms behind each part, too.
func buildGLM4(l *loader) *graph { return l.glm(true) }

func (l *loader) glm(sandwich bool) *graph {
	h := l.hparams()
	g := &graph{ropes: l.ropes(h, interleaved)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: l.anyAttention(p, h),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.fusedFFN(p, h, silu),
		}
		if sandwich {
			b.postAttn, b.postFFN = l.rmsNorm(p+"post_attention_norm", h.width), l.rmsNorm(p+"post_ffw_norm", h.width)
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
