package model

// buildLlama4 builds the text part of Llama 4: in every fourth layer tokens see all before them, without positions but with a
// temperature; in the others those of their chunk of 8192, with rotary positions and, but in the largest one, heads that are normalised
// after the rotation. One expert is chosen, whose input is weighted, and one computes every token.
func buildLlama4(l *loader) *graph {
	h := l.hparams()
	const chunk, experts128 = 8192, 128 // as published; GGUF has no keys for them
	whole := false                      // sliding_window 0 says that no layer has chunks (MobileLLM)
	if l.given("attention.sliding_window") {
		whole = l.window() == 0
	}
	h = l.withRouting(h, sigmoid, false)
	h.weighInput, h.sharedHidden = true, h.expertHidden
	experts, chunked := l.hasExperts(h.layers), l.slidingLayers(h.layers, 4)
	g := &graph{ropes: l.ropes(h, interleaved)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		switch {
		case whole:
		case chunked[i]:
			a.chunk = chunk
		default:
			a.rope, a.temperature = noRope, temperature{length: chunk, offset: 1, scale: 0.1}
		}
		if a.rope != noRope && h.experts != experts128 {
			a.qNorm, a.kNorm, a.normLast = l.plainRMSNorm(h.dim), l.plainRMSNorm(h.dim), true
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.routedFFN(p, h, experts[i]),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
