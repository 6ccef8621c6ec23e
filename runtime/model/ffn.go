package model

// ffn is the feed-forward part of a block.
type ffn struct {
	gate, up, down linear // gate.w is nil when there is no gate
	gelu           bool   // GELU instead of SiLU
}

// gatedFFN loads ffn_gate, ffn_up and ffn_down.
func (l *loader) gatedFFN(p string, h hparams) ffn {
	var f ffn
	f.gate, _ = l.linear(p+"ffn_gate", h.width, h.hidden)
	f.up, _ = l.linear(p+"ffn_up", h.width, h.hidden)
	f.down, _ = l.linear(p+"ffn_down", h.hidden, h.width)
	return f
}

// apply computes the n rows of x into dst.
func (f *ffn) apply(s *Session, dst, x []float32, n int) {
	up := s.buf(bufUp, n*f.up.w.Rows)
	if f.gate.w == nil {
		s.apply(x, n, output{up, &f.up})
		s.pool.GELU(up)
		s.apply(up, n, output{dst, &f.down})
		return
	}
	gate := s.buf(bufGate, n*f.gate.w.Rows)
	s.apply(x, n, output{gate, &f.gate}, output{up, &f.up})
	if f.gelu {
		s.pool.GeGLU(gate, up)
	} else {
		s.pool.SwiGLU(gate, up)
	}
	s.apply(gate, n, output{dst, &f.down})
}

// block is one layer: x += post(attn(pre(x))), then the same with the feed-forward part.
type block struct {
	attnNorm, postAttn norm
	attn               attention
	ffnNorm, postFFN   norm
	ffn                ffn
	moe                moe // instead of ffn when it has experts
}

// apply computes a layer over the n rows of x, to which it first adds what the layer before it left, nil for the first.
// It leaves its own last addition to the next norm, which is one pass over x less.
func (b *block) apply(s *Session, x, left []float32, n int, layer int) []float32 {
	h, out := s.buf(bufNorm, len(x)), s.buf(bufOut, len(x))
	b.attnNorm.applyAfter(s, h, x, left)
	b.attn.apply(s, out, h, n, s.caches[layer])
	if b.postAttn.weight != nil {
		b.postAttn.apply(s, out, out)
	}
	b.ffnNorm.applyAfter(s, h, x, out)
	if len(b.moe.experts) > 0 {
		b.moe.apply(s, out, h, n)
	} else {
		b.ffn.apply(s, out, h, n)
	}
	if b.postFFN.weight != nil {
		b.postFFN.apply(s, out, out)
	}
	return out
}
