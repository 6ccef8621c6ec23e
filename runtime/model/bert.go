package model

// buildBERT builds BERT: token, position and type embeddings with a norm, tokens that see all others, norms behind each addition, GELU as
// it is defined. Its result are the activations; no token is predicted. All tokens are of type 0.
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

// bert builds what the two have in common.
func (l *loader) bert(h hparams, rope int, ffn func(p string, h hparams) feedForward) *graph {
	g := &graph{encoder: true, embedNorm: l.layerNorm("token_embd_norm", h.width)}
	if rope == noRope {
		g.positions = l.matrix("position_embd.weight", h.width, h.context)
	}
	if l.has("token_types.weight") {
		if types := l.matrix("token_types.weight", h.width, l.rows("token_types.weight")); types != nil {
			g.kind = make([]float32, h.width)
			types.Row(g.kind, 0)
		}
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
	return g.finish(l, h, norm{})
}

// encoderParams reads the hyperparameters of models whose tokens see those behind them, too.
func (l *loader) encoderParams() hparams {
	if l.flag("attention.causal", true) {
		l.fail("metadata %s is not false: this is no encoder", l.key("attention.causal"))
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
