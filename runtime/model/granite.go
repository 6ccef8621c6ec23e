package model

// buildGranite builds Granite: Llama whose embeddings, scores, additions and logits have factors of their own.
func buildGranite(l *loader) *graph { return l.graniteFactors(buildLlama(l)) }

// buildGraniteMoE builds Granite with experts, and in some versions one that is shared by all tokens.
func buildGraniteMoE(l *loader) *graph {
	h := l.hparams()
	h.sharedHidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	return buildGranite(l).blocks(func(p string, b *block, _ *attention) {
		if m, ok := b.ffn.(*moe); ok && l.has(p+"ffn_up_shexp.weight") {
			l.sharedExpert(m, p, h, false)
		}
	})
}

// graniteFactors reads the factors; logits are divided by theirs.
func (l *loader) graniteFactors(g *graph) *graph {
	g.scale, g.outputScale = float32(l.factor("embedding_scale")), float32(1/l.factor("logit_scale"))
	residual := float32(l.factor("residual_scale"))
	for _, x := range g.layers {
		b := x.(*block)
		b.residual = residual
		if a, ok := b.mixer.(*attention); ok {
			a.scale = l.attentionScale(a.scale)
		}
	}
	return g
}
