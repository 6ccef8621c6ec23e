package model

import (
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// attention is self-attention with grouped queries.
type attention struct {
	heads, kvHeads int
	dim, valueDim  int    // elements of a head's query and key, and of its value
	q, k, v, out   linear // width -> heads x dim, kvHeads x dim, kvHeads x valueDim; heads x valueDim -> width
	qNorm, kNorm   norm   // of each head; without weight there is none
	rope           int    // which of graph.ropes; noRope when positions are learned
	window         int    // positions a query sees; 0 means all
	scale          float32
}

const noRope = -1

// attention loads separate q, k and v matrices of a layer, with biases when the file has them.
func (l *loader) attention(p string, h hparams) *attention {
	a := h.attention()
	a.q = l.linear(p+"attn_q", h.width, h.heads*h.dim)
	a.k = l.linear(p+"attn_k", h.width, h.kvHeads*h.dim)
	a.v = l.linear(p+"attn_v", h.width, h.kvHeads*h.valueDim)
	a.out = l.linear(p+"attn_output", h.heads*h.valueDim, h.width)
	return a
}

// fusedAttention loads q, k and v from one matrix, one after the other.
func (l *loader) fusedAttention(p string, h hparams) *attention {
	a := h.attention()
	parts := l.fused(p+"attn_qkv", h.width, h.heads*h.dim, h.kvHeads*h.dim, h.kvHeads*h.valueDim)
	a.q, a.k, a.v = parts[0], parts[1], parts[2]
	a.out = l.linear(p+"attn_output", h.heads*h.valueDim, h.width)
	return a
}

func (h hparams) attention() *attention {
	return &attention{heads: h.heads, kvHeads: h.kvHeads, dim: h.dim, valueDim: h.valueDim, scale: float32(1 / math.Sqrt(float64(h.dim)))}
}

// cache is the state of attention.
type cache struct{ *kernel.Cache }

func (cache) truncate(n int) int { return n } // what is behind is not seen, and overwritten
func (cache) save()              {}

func (a *attention) newState(positions int, kv gguf.Type) state {
	return cache{kernel.NewCache(a.kvHeads, a.dim, a.valueDim, positions, kv)}
}

func (a *attention) stateBytes(positions int, kv gguf.Type) float64 {
	return float64(positions) * float64(kernel.CacheBytes(a.kvHeads, a.dim, a.valueDim, kv))
}

// mix computes the attention of n rows of x at the session's position into dst, and stores their keys and values.
func (a *attention) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	q, k, v := s.arena.floats(n*a.heads*a.dim), s.arena.floats(n*a.kvHeads*a.dim), s.arena.floats(n*a.kvHeads*a.valueDim)
	s.apply(x, n, output{q, &a.q}, output{k, &a.k}, output{v, &a.v})
	held := own.(cache).Cache
	s.turning = turning{attention: a, q: q, k: k, v: v, n: n, first: s.done, cache: held}
	if a.rope != noRope {
		s.turning.table = s.ropes[a.rope]
	}
	s.pool.Do((n+turnRows-1)/turnRows, &s.turning)
	mixed := s.arena.floats(n * a.heads * a.valueDim)
	s.pool.Attend(mixed, q, n, s.done, held, kernel.Attention{Heads: a.heads, Scale: a.scale, Window: a.window, Compute: s.model.opts.Compute})
	s.apply(mixed, n, output{dst, &a.out})
	s.arena.release(mark)
}

// turning is the task that normalises the heads of n rows of queries and keys, turns them to their positions, from first on,
// and stores keys and values.
type turning struct {
	*attention
	q, k, v  []float32
	n, first int
	table    *kernel.RopeTable // nil: they stay as they are
	cache    *kernel.Cache
}

// turnRows is the number of rows of a chunk.
const turnRows = 16

// Chunk implements kernel.Task.
func (t *turning) Chunk(s *kernel.Scratch, chunk int) {
	qRow, kRow, vRow := t.heads*t.dim, t.kvHeads*t.dim, t.kvHeads*t.valueDim
	for i := chunk * turnRows; i < min(t.n, (chunk+1)*turnRows); i++ {
		q, k := t.q[i*qRow:(i+1)*qRow], t.k[i*kRow:(i+1)*kRow]
		t.qNorm.inPlace(q)
		t.kNorm.inPlace(k)
		if t.table != nil {
			t.turn(q, t.first+i)
			t.turn(k, t.first+i)
		}
		t.cache.Put(s, t.first+i, k, t.v[i*vRow:])
	}
}

// turn turns all heads of a row.
func (t *turning) turn(heads []float32, pos int) {
	for ; len(heads) >= t.dim; heads = heads[t.dim:] {
		t.table.Apply(heads[:t.dim], pos)
	}
}
