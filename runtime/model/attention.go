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
	s.apply(x, n, [][]float32{q, k, v}, a.q, a.k, a.v)
	if a.qNorm.weight != nil {
		a.qNorm.apply(s, q, q)
		a.kNorm.apply(s, k, k)
	}
	s.pool.RunRange(n, 8, func(first, end int) {
		for i := first; i < end; i++ {
			qi, ki := q[i*qRow:(i+1)*qRow], k[i*kvRow:(i+1)*kvRow]
			if a.rope != noRope {
				s.ropes[a.rope].turn(qi, a.dim, s.len+i)
				s.ropes[a.rope].turn(ki, a.dim, s.len+i)
			}
			cache.Put(s.len+i, ki, v[i*kvRow:])
		}
	})
	mixed := s.buf(bufMixed, n*qRow)
	s.pool.Attend(mixed, q, n, s.len, cache, kernel.Attention{Heads: a.heads, Scale: a.scale, Window: a.window})
	s.apply(mixed, n, [][]float32{dst}, a.out)
}

// ropeTable turns all heads of a row.
type ropeTable struct{ *kernel.RopeTable }

func (t ropeTable) turn(heads []float32, dim, pos int) {
	for ; len(heads) >= dim; heads = heads[dim:] {
		t.Apply(heads[:dim], pos)
	}
}
