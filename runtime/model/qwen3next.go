package model

// buildQwen3Next builds Qwen3-Next: in three of four layers linear attention with the gated delta rule, in the others attention whose
// result has a gate, and experts with one that every token uses. The norm before the feed-forward part is called post_attention_norm.
func buildQwen3Next(l *loader) *graph {
	h := l.withExperts(l.hparams(), true)
	h.sharedHidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	return l.qwenLinear(h, false)
}

// buildQwen35 builds Qwen3.5: Qwen3-Next without experts, with pairs shared among the axes of images, as in Qwen2-VL, and key heads in
// turn for the value heads.
func buildQwen35(l *loader) *graph {
	l.value("rope.dimension_sections")
	return l.qwenLinear(l.hparams(), true)
}

// buildQwen35MoE builds Qwen3.5 with experts.
func buildQwen35MoE(l *loader) *graph {
	l.value("rope.dimension_sections")
	h := l.withExperts(l.hparams(), true)
	h.sharedHidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	return l.qwenLinear(h, true)
}

func (l *loader) qwenLinear(h hparams, tiled bool) *graph {
	space := l.ssm()
	g := &graph{ropes: l.ropes(h, halves)}
	linear := l.linearLayers(h.layers)
	h.layers -= l.skipNext(h.layers)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"post_attention_norm", h.width)}
		if linear[i] {
			b.mixer = l.deltaNet(p, h.width, space, tiled)
		} else {
			a := h.attention()
			a.gatedQ = true
			a.q, a.k = l.linear(p+"attn_q", h.width, 2*h.heads*h.dim), l.linear(p+"attn_k", h.width, h.kvHeads*h.dim)
			a.v, a.out = l.linear(p+"attn_v", h.width, h.kvHeads*h.valueDim), l.linear(p+"attn_output", h.heads*h.valueDim, h.width)
			l.headNorms(a, p)
			b.mixer = a
		}
		if h.experts > 0 {
			m := l.moe(p, h)
			l.sharedExpert(m, p, h, true)
			b.ffn = m
		} else {
			b.ffn = l.gatedFFN(p, h, silu)
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// linearLayers says of each layer whether its attention is linear: attention.recurrent_layers does, or full_attention_interval n, of which
// each n-th layer's is not.
func (l *loader) linearLayers(layers int) []bool {
	const name = "attention.recurrent_layers"
	if v, there := l.value(name); there {
		list, ok := v.([]bool)
		if !ok || len(list) != layers {
			l.fail("metadata %s is %v, expected %d switches", l.key(name), v, layers)
			return make([]bool, layers)
		}
		return list
	}
	every, linear := l.countOr("full_attention_interval", 4), make([]bool, layers)
	for i := range linear {
		linear[i] = (i+1)%every != 0
	}
	return linear
}
