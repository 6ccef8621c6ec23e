package model

// buildLlama builds Llama and what is shaped like it (Mistral, SmolLM2, Mixtral): RMSNorm, rotary positions in
// pairs of neighbours (the converter permutes q and k), SwiGLU; biases when the file has them.
func buildLlama(l *loader) *graph {
	n, ok := l.md.Int(l.key("expert_count"))
	if !ok || n == 0 { // 0 is how some dense models say it
		return buildPlain(l, false, noExperts)
	}
	return buildPlain(l, false, normalisedExperts)
}

// feedForward is the kind of the part behind attention.
type feedForward int

const (
	noExperts feedForward = iota
	normalisedExperts
	plainExperts // weighted by the router's probabilities as they are
)

// buildPlain builds pre-norm blocks of attention and SwiGLU, or experts of SwiGLU.
func buildPlain(l *loader, neox bool, kind feedForward) *graph {
	h := l.hparams()
	if kind != noExperts {
		h = l.withExperts(h, kind == normalisedExperts)
	}
	g := &graph{ropes: []rope{l.rope(h, neox, false)}}
	for i := range h.layers {
		p := layerName(i)
		b := block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), attn: l.attention(p, h),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width),
		}
		if h.experts > 0 {
			b.moe = l.moe(p, h)
		} else {
			b.ffn = l.gatedFFN(p, h)
		}
		b.attn.window = l.window()
		g.blocks = append(g.blocks, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
