package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/runtime/kernel"
)

// crossAttention is attention to the input of an encoder.
type crossAttention struct{ *attention }

// fill stores the keys and values of n rows of the encoder's result.
func (c *crossAttention) fill(s *Session, x []float32, n int, own state) {
	mark := s.arena.mark()
	k, v := s.arena.floats(n*c.kvHeads*c.dim), s.arena.floats(n*c.kvHeads*c.valueDim)
	s.apply(x, n, output{k, &c.k}, output{v, &c.v})
	s.storing = storing{own.(cache).Cache, k, v, n, 0}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.storing)
	s.arena.release(mark)
}

func (c *crossAttention) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	q, mixed := s.arena.floats(n*c.heads*c.dim), s.arena.floats(n*c.heads*c.valueDim)
	s.apply(x, n, output{q, &c.q})
	s.pool.Attend(mixed, q, n, s.done, own.(cache).Cache, kernel.Attention{Heads: c.heads, Scale: c.scale, Keys: s.sourceLen})
	s.apply(mixed, n, output{dst, &c.out})
	s.arena.release(mark)
}

// Encodes says whether the model has an encoder, to which a session must give the input before the sequence (see Session.Encode).
func (m *Model) Encodes() bool { return m.graph.source != nil }

// Start is the token that the sequence begins with behind the input of the encoder.
func (m *Model) Start() int32 { return m.graph.start }

// Encode empties the sequence and evaluates ids as the input that its tokens see, in place of the one before. The model must have an
// encoder, and the input may be as long as the session. After an error there is no input.
func (s *Session) Encode(ids []int32) error {
	g := s.model.graph
	if g.source == nil {
		return fmt.Errorf("%w: this model has no encoder", gguf.ErrUnsupported)
	}
	if len(ids) == 0 || len(ids) > s.max {
		return fmt.Errorf("%w: an input of %d tokens does not fit the session, which has %d", gguf.ErrInput, len(ids), s.max)
	}
	if err := s.checkIDs(ids); err != nil {
		return err
	}
	s.Reset()
	s.sourceLen = 0
	err := mmap.Guard(func() error { s.encode(ids); return nil })
	if err == nil {
		s.sourceLen = len(ids)
	}
	return err
}

func (s *Session) encode(ids []int32) {
	s.arena.reset()
	g, n := s.model.graph, len(ids)
	x := s.arena.floats(n * g.width)
	g.embed(s, x, ids)
	s.run(g.source.layers, s.sourceStates, x, n)
	h := s.arena.floats(len(x))
	g.source.norm.apply(s, h, x)
	for i, l := range g.layers {
		if c, ok := l.(*block).mixer.(*crossAttention); ok {
			c.fill(s, h, n, s.states[i])
		}
	}
}
