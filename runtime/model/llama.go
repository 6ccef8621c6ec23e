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

// expertKind says whether there are experts.
type expertKind int

const (
	noExperts expertKind = iota
	normalisedExperts
	plainExperts // weighted by the router's probabilities as they are
)

// buildPlain builds pre-norm blocks of attention and SwiGLU, or experts of SwiGLU.
func buildPlain(l *loader, neox bool, kind expertKind) *graph {
	h := l.hparams()
	if kind != noExperts {
		h = l.withExperts(h, kind == normalisedExperts)
	}
	return l.plain(h, neox, func(p string, h hparams) feedForward {
		if h.experts > 0 {
			return l.moe(p, h)
		}
		return l.gatedFFN(p, h, silu)
	})
}

// plain builds pre-norm blocks of attention and the part that ffn loads.
func (l *loader) plain(h hparams, neox bool, ffn func(p string, h hparams) feedForward) *graph {
	g := &graph{ropes: l.ropes(h, neox)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		a.window = l.window()
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: ffn(p, h),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// blocks calls f for each layer of a graph of blocks with attention.
func (g *graph) blocks(f func(p string, b *block, a *attention)) *graph {
	for i, x := range g.layers {
		b := x.(*block)
		f(layerName(i), b, b.mixer.(*attention))
	}
	return g
}
