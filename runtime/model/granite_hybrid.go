package model

// buildGraniteHybrid builds Granite 4 and Bamba: attention in some layers, in the others Mamba-2, and in some sizes experts with one that
// every token uses. Whether positions are rotated is said by a key of another name.
func buildGraniteHybrid(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	g := &graph{ropes: l.ropes(h, interleaved)}
	rotated := l.flag("rope.scaling.finetuned", true)
	if l.integerOr("expert_count", 0) > 0 {
		h = l.withExperts(h, true)
	} else {
		l.value("expert_used_count")
	}
	h.sharedHidden = l.integerOr("expert_shared_feed_forward_length", 0)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"ffn_norm", h.width)}
		if l.has(p+"attn_q.weight") || h.kvHeads > 0 {
			a := l.attention(p, l.headsOf(p, h))
			if !rotated {
				a.rope = noRope
			}
			b.mixer = a
		} else {
			b.mixer = l.mamba2(p, h.width, space)
		}
		b.ffn = l.routedFFN(p, h, h.experts > 0)
		g.layers = append(g.layers, b)
	}
	return l.graniteFactors(g.finish(l, h, l.rmsNorm("output_norm", h.width)))
}

// headsOf is h with the key-value heads that the key matrix has, where the metadata say 0.
func (l *loader) headsOf(p string, h hparams) hparams {
	if h.kvHeads == 0 {
		if h.kvHeads = l.rows(p+"attn_k.weight") / max(1, h.dim); h.kvHeads == 0 || h.heads%h.kvHeads != 0 {
			l.fail("tensor %sattn_k.weight: %d attention heads are not a multiple of %d key-value heads", p, h.heads, h.kvHeads)
			h.kvHeads = h.heads
		}
	}
	return h
}
