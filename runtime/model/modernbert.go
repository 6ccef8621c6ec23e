package model

// buildModernBERT builds ModernBERT: an encoder with rotary positions, whose layers see a window of tokens on either side but for every
// third, beginning with the first; q, k and v in one matrix, gate and up in another, GELU as it is defined.
func buildModernBERT(l *loader) *graph {
	h := l.encoderParams()
	g := &graph{encoder: true, embedNorm: l.modernNorm("token_embd_norm", h.width)}
	act := exactGELU
	switch name := l.textOr("hidden_activation", "gelu"); name {
	case "gelu":
	case "silu", "swish":
		act = silu
	default:
		l.fail("metadata %s is %q, the runtime computes gelu and silu", l.key("hidden_activation"), name)
	}
	global := l.rope(h, halves)
	const globalRope, localRope = 0, 1
	g.ropes = append(g.ropes, global, l.localRope(global))
	window, every := l.window(), l.countOr("attention.sliding_window_pattern", 3)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.fusedAttention(p, h)
		a.rope, a.encoder = globalRope, true
		if i%every != 0 {
			a.rope, a.window = localRope, window
		}
		b := &block{mixer: a, ffnNorm: l.modernNorm(p+"ffn_norm", h.width), ffn: l.fusedFFN(p, h, act)}
		if i > 0 { // the first follows the norm of embeddings
			b.attnNorm = l.modernNorm(p+"attn_norm", h.width)
		}
		g.layers = append(g.layers, b)
	}
	g.finish(l, h, l.modernNorm("output_norm", h.width))
	g.head = l.classifier(h, headGELU)
	if g.head.pooling == "" {
		g.head.pooling = "mean" // as in llama.cpp
	}
	return g
}

// modernNorm loads a LayerNorm, which may have no bias, whichever name it has for what is added to the variance.
func (l *loader) modernNorm(name string, n int) norm {
	return norm{weight: l.vector(name+".weight", n), bias: l.vectorIf(name+".bias", n), eps: l.anyEpsilon(), layer: true}
}
