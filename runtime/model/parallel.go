package model

// parallel is a layer whose parts stand side by side: x += mixer(norm(x)) + ffn(ffnNorm(x)), or both behind the one norm.
type parallel struct {
	mixer   // whose state is the layer's
	norm    norm
	ffnNorm norm // without weight: norm is the norm of both
	ffn     feedForward
}

func (b *parallel) forward(s *Session, x, left []float32, n int, own state) {
	mark := s.arena.mark()
	h, out := s.arena.floats(len(x)), s.arena.floats(len(x))
	b.norm.applyAfter(s, h, x, left)
	s.mix(b.mixer, left, h, n, own)
	if b.ffnNorm.weight != nil {
		b.ffnNorm.apply(s, h, x)
	}
	b.ffn.apply(s, out, h, n)
	s.pool.Add(left, out)
	s.arena.release(mark)
}
