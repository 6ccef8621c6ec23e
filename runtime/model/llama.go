package model

// buildLlama builds Llama and what is shaped like it (Mistral, SmolLM2, Mixtral): RMSNorm, rotary positions in
// pairs of neighbours (the converter permutes q and k), SwiGLU; biases when the file has them.
func buildLlama(l *loader) *graph { return buildPlain(l, false) }

// buildPlain builds pre-norm blocks of attention and SwiGLU, or experts of SwiGLU when the metadata say so.
func buildPlain(l *loader, neox bool) *graph {
	h := l.hparams()
	g := &graph{ropes: []rope{l.rope(h, neox)}}
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
