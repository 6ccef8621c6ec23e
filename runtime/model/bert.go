package model

// buildBERT builds BERT: token, position and type embeddings with a norm, tokens that see all others, norms behind each addition, GELU as
// it is defined. Its result are the activations; no token is predicted. Tokens are of the type of their text, the first or the second of a
// pair. RoBERTa and DistilBERT are of this architecture, too.
func buildBERT(l *loader) *graph {
	return l.bert(l.encoderParams(), noRope, func(p string, h hparams) feedForward { return l.plainFFN(p, h, exactGELU) })
}

// buildNomicBERT builds nomic-embed-text: BERT with rotary positions in place of the learned ones, and gates.
func buildNomicBERT(l *loader) *graph {
	h := l.encoderParams()
	g := l.bert(h, 0, func(p string, h hparams) feedForward { return l.gatedFFN(p, h, silu) })
	g.ropes = l.ropes(h, halves)
	return g
}

// buildNomicBERTMoE builds nomic-embed-text v2: rotary positions, GELU as it is defined, and in some layers experts in place of the
// feed-forward part, whose weights are a softmax over all.
func buildNomicBERTMoE(l *loader) *graph {
	h := l.withExperts(l.encoderParams(), false)
	every := l.countOr("moe_every_n_layers", 1)
	g := l.bert(h, 0, func(p string, h hparams) feedForward {
		if l.has(p + "ffn_gate_inp.weight") {
			return l.ungatedExperts(p, h, exactGELU)
		}
		return l.plainFFN(p, h, exactGELU)
	})
	for i := range h.layers {
		if have := l.has(layerName(i) + "ffn_gate_inp.weight"); have != (every > 1 && i%every == 1) {
			l.fail("metadata %s is %d, but layer %d has experts: %v", l.key("moe_every_n_layers"), every, i, have)
		}
	}
	g.ropes = l.ropes(h, halves)
	return g
}

// buildJinaBERT2 builds jina-embeddings-v2: BERT with a bias by distance to either side in place of positions, and gates.
func buildJinaBERT2(l *loader) *graph {
	h := l.encoderParams()
	g := l.bert(h, noRope, func(p string, h hparams) feedForward { return l.fusedFFN(p, h, exactGELU) })
	g.biases = []positionBias{alibiBothWays(h.heads, 8)}
	for _, x := range g.layers {
		x.(*postNormed).mixer.(*attention).bias = 1
	}
	return g
}

// buildJinaBERT3 builds jina-embeddings-v3: BERT with rotary positions.
func buildJinaBERT3(l *loader) *graph {
	h := l.encoderParams()
	g := l.bert(h, 0, func(p string, h hparams) feedForward { return l.plainFFN(p, h, exactGELU) })
	g.ropes = l.ropes(h, halves)
	return g
}

// buildNeoBERT builds NeoBERT: norms before both parts, rotary positions of neighbours, q, k and v of each head in turn in one matrix (as
// in its published code; llama.cpp takes all q, then all k), gate and up in another.
func buildNeoBERT(l *loader) *graph {
	h := l.encoderParams()
	g := &graph{encoder: true, ropes: l.ropes(h, interleaved)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := h.attention()
		if h.kvHeads != h.heads || h.valueDim != h.dim {
			l.fail("metadata: %d heads of %d elements, but %d of keys and values of %d: NeoBERT has as many of both", h.heads, h.dim, h.kvHeads, h.valueDim)
		}
		a.q, a.out = l.linear(p+"attn_qkv", h.width, 3*h.heads*h.dim), l.linear(p+"attn_output", h.heads*h.dim, h.width)
		a.encoder, a.mixed = true, true
		g.layers = append(g.layers, &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a,
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.fusedFFN(p, h, silu)})
	}
	g.head = l.classifier(h, headTanh)
	return g.finish(l, h, l.rmsNorm("enc.output_norm", h.width))
}

// buildEuroBERT builds EuroBERT: Llama whose tokens see those behind them, too.
func buildEuroBERT(l *loader) *graph {
	h := l.encoderParams()
	g := l.plain(h, halves, func(p string, h hparams) feedForward { return l.gatedFFN(p, h, silu) }).blocks(func(_ string, _ *block, a *attention) { a.encoder = true })
	g.encoder, g.output = true, linear{}
	return g
}

// bert builds what they have in common.
func (l *loader) bert(h hparams, rope int, ffn func(p string, h hparams) feedForward) *graph {
	g := &graph{encoder: true, embedNorm: l.layerNorm("token_embd_norm", h.width)}
	if l.arch == "bert" {
		g.positions = l.matrix("position_embd.weight", h.width, h.context)
	}
	act := headTanh
	if n := "token_types.weight"; l.has(n) {
		rows := l.rows(n)
		for all := l.table(n, h.width, rows); len(all) > 0; all = all[h.width:] {
			g.kinds = append(g.kinds, all[:h.width])
		}
	} else {
		act = headReLU // DistilBERT, which has none
	}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.anyAttention(p, h)
		a.rope, a.encoder = rope, true
		g.layers = append(g.layers, &postNormed{
			mixer: a, attnNorm: l.layerNorm(p+"attn_output_norm", h.width),
			ffn: ffn(p, h), ffnNorm: l.layerNorm(p+"layer_output_norm", h.width),
		})
	}
	g.head = l.classifier(h, act)
	return g.finish(l, h, norm{})
}

// encoderParams reads the hyperparameters of models whose tokens see those behind them, too.
func (l *loader) encoderParams() hparams {
	if l.flag("attention.causal", true) {
		l.fail("metadata %s is not false: this is not an encoder", l.key("attention.causal"))
	}
	return l.hparams()
}

// postNormed is a layer with norms behind each addition: x = norm(x + mixer(x)), then the same with the feed-forward part. It leaves
// nothing, and the layer before it did not either.
type postNormed struct {
	mixer             // whose state is the layer's
	attnNorm, ffnNorm norm
	ffn               feedForward
}

func (b *postNormed) forward(s *Session, x, _ []float32, n int, own state) {
	mark := s.arena.mark()
	out := s.arena.floats(len(x))
	s.mix(b.mixer, out, x, n, own)
	s.pool.Add(x, out)
	b.attnNorm.apply(s, x, x)
	b.ffn.apply(s, out, x, n)
	s.pool.Add(x, out)
	b.ffnNorm.apply(s, x, x)
	s.arena.release(mark)
}
