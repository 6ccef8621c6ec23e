package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// attention is causal self-attention with grouped queries.
type attention struct {
	heads, kvHeads, dim int
	q, k, v, out        linear
	qNorm, kNorm        norm // of each head; without weight there is none
	rope                int  // which of graph.ropes; noRope when positions are learned
	window              int  // positions a query sees; 0 means all
	scale               float32
}

const noRope = -1

// attention loads separate q, k and v matrices of a layer, with biases when the file has them.
func (l *loader) attention(p string, h hparams) attention {
	a := h.attention()
	a.q, _ = l.linear(p+"attn_q", h.width, h.heads*h.dim)
	a.k, _ = l.linear(p+"attn_k", h.width, h.kvHeads*h.dim)
	a.v, _ = l.linear(p+"attn_v", h.width, h.kvHeads*h.dim)
	a.out, _ = l.linear(p+"attn_output", h.heads*h.dim, h.width)
	return a
}

// fusedAttention loads q, k and v from one matrix, one after the other.
func (l *loader) fusedAttention(p string, h hparams) attention {
	a := h.attention()
	q, kv := h.heads*h.dim, h.kvHeads*h.dim
	qkv, _ := l.linear(p+"attn_qkv", h.width, q+2*kv)
	parts := qkv.split(q, kv, kv)
	a.q, a.k, a.v = parts[0], parts[1], parts[2]
	a.out, _ = l.linear(p+"attn_output", q, h.width)
	return a
}

func (h hparams) attention() attention {
	return attention{heads: h.heads, kvHeads: h.kvHeads, dim: h.dim, scale: float32(1 / math.Sqrt(float64(h.dim)))}
}

// apply computes the attention of n rows of x at the session's position into dst, and stores their
// keys and values in the cache.
func (a *attention) apply(s *Session, dst, x []float32, n int, cache *kernel.Cache) {
	qRow, kvRow := a.heads*a.dim, a.kvHeads*a.dim
	q, k, v := s.buf(bufQ, n*qRow), s.buf(bufK, n*kvRow), s.buf(bufV, n*kvRow)
	s.apply(x, n, output{q, &a.q}, output{k, &a.k}, output{v, &a.v})
	s.turning = turning{attention: a, q: q, k: k, v: v, n: n, first: s.len, cache: cache}
	if a.rope != noRope {
		s.turning.table = s.ropes[a.rope]
	}
	s.pool.Do((n+turnRows-1)/turnRows, &s.turning)
	mixed := s.buf(bufMixed, n*qRow)
	s.pool.Attend(mixed, q, n, s.len, cache, kernel.Attention{Heads: a.heads, Scale: a.scale, Window: a.window, Compute: s.model.opts.Compute})
	s.apply(mixed, n, output{dst, &a.out})
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
	qRow, kvRow := t.heads*t.dim, t.kvHeads*t.dim
	for i := chunk * turnRows; i < min(t.n, (chunk+1)*turnRows); i++ {
		q, k := t.q[i*qRow:(i+1)*qRow], t.k[i*kvRow:(i+1)*kvRow]
		t.qNorm.inPlace(q)
		t.kNorm.inPlace(k)
		if t.table != nil {
			t.turn(q, t.first+i)
			t.turn(k, t.first+i)
		}
		t.cache.Put(s, t.first+i, k, t.v[i*kvRow:])
	}
}

// turn turns all heads of a row.
func (t *turning) turn(heads []float32, pos int) {
	for ; len(heads) >= t.dim; heads = heads[t.dim:] {
		t.table.Apply(heads[:t.dim], pos)
	}
}
