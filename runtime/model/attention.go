package model

import (
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/runtime/kernel"
)

// attention is self-attention with grouped queries. The zero value of what only some families have is that there is none.
type attention struct {
	heads, kvHeads int
	dim, valueDim  int    // elements of a head's query and key, and of its value
	q, k, v, out   linear // width -> heads x dim, kvHeads x dim, kvHeads x valueDim; heads x valueDim -> width
	scale          float32

	rope                int  // which of graph.ropes; noRope when positions are not rotated
	qNorm, kNorm, vNorm norm // of each head
	normLast            bool // the norms of q and k come after the rotation
	clamp               float32
	window, chunk       int // see kernel.Attention
	softcap             float32
	sinks               []float32   // of each head
	bias                int         // which of graph.biases, counted from 1; 0: none
	encoder             bool        // tokens see those behind them, too
	temperature         temperature // of queries
	gate                linear      // width -> heads x valueDim; results are multiplied with its sigmoid
	mixed               bool        // q has each head's query, key and value in turn, and there are no other matrices
	gatedQ              bool        // q has dim more rows a head, behind the head's own, which are that gate
	shared              bool        // keys and values are those of layer source, and there are no matrices for them
	outNorm             norm        // of all heads' results together, before out
	source              int
}

// temperature multiplies queries far from the beginning by 1 + scale*log(1 + floor((position+offset)/length)).
type temperature struct {
	length int
	offset int
	scale  float64
}

const noRope = -1

// The pairs of elements that are rotated together.
const (
	interleaved = false // neighbours
	halves      = true  // i and i + half of what is rotated
)

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

// anyAttention loads q, k and v as they are in the file.
func (l *loader) anyAttention(p string, h hparams) *attention {
	if l.has(p + "attn_qkv.weight") {
		return l.fusedAttention(p, h)
	}
	return l.attention(p, h)
}

func (h hparams) attention() *attention {
	return &attention{heads: h.heads, kvHeads: h.kvHeads, dim: h.dim, valueDim: h.valueDim, scale: float32(1 / math.Sqrt(float64(h.dim)))}
}

// cache is the state of attention.
type cache struct{ *kernel.Cache }

func (cache) truncate(n int) int { return n } // what is behind is not seen, and overwritten
func (cache) save()              {}
func (c cache) copyFrom(from state, n int) {
	c.CopyFrom(from.(cache).Cache, n)
}

func (a *attention) newState(positions int, kv gguf.Type) state {
	if a.shared {
		return nil
	}
	return cache{kernel.NewCache(a.kvHeads, a.dim, a.valueDim, positions, kv)}
}

func (a *attention) stateBytes(positions int, kv gguf.Type) float64 {
	if a.shared {
		return 0
	}
	return float64(positions) * float64(kernel.CacheBytes(a.kvHeads, a.dim, a.valueDim, kv))
}

// mix computes the attention of n rows of x at the session's position into dst, and stores their keys and values.
func (a *attention) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	q, k, v := s.arena.floats(n*a.heads*a.dim), s.arena.floats(n*a.kvHeads*a.dim), s.arena.floats(n*a.kvHeads*a.valueDim)
	gate := a.project(s, x, n, q, k, v)
	if a.shared {
		own = s.states[a.source]
	}
	mixed := s.arena.floats(n * a.heads * a.valueDim)
	for row := 0; row < n; {
		of, rows, held := s.of(row, n, own)
		a.attend(s, of, mixed[row*a.heads*a.valueDim:], q[row*a.heads*a.dim:], k[row*a.kvHeads*a.dim:], v[row*a.kvHeads*a.valueDim:], rows, held.(cache).Cache)
		row += rows
	}
	if gate != nil {
		s.pool.TimesSigmoid(mixed, gate)
	}
	if a.outNorm.weight != nil {
		a.outNorm.apply(s, mixed, mixed)
	}
	s.apply(mixed, n, output{dst, &a.out})
	s.arena.release(mark)
}

// attend computes the attention of n rows of queries, keys and values at the position of a session, which are rotated and stored.
func (a *attention) attend(s, of *Session, dst, q, k, v []float32, n int, held *kernel.Cache) {
	dst, q = dst[:n*a.heads*a.valueDim], q[:n*a.heads*a.dim]
	s.rotating = rotating{attention: a, q: q, k: k[:n*a.kvHeads*a.dim], v: v[:n*a.kvHeads*a.valueDim], n: n, first: of.done, cache: held}
	if a.rope != noRope {
		s.rotating.table = of.ropes[a.rope]
	}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.rotating)
	s.pool.Attend(dst, q, n, of.done, held, a.description(of, n))
}

// project computes q, k and v of n rows of x, and the gate of the result if there is one.
func (a *attention) project(s *Session, x []float32, n int, q, k, v []float32) (gate []float32) {
	switch {
	case a.shared:
		s.apply(x, n, output{q, &a.q})
	case a.mixed:
		all := s.arena.floats(3 * len(q))
		s.apply(x, n, output{all, &a.q})
		for i := 0; i < len(q); i += a.dim {
			copy(q[i:i+a.dim], all[3*i:])
			copy(k[i:i+a.dim], all[3*i+a.dim:])
			copy(v[i:i+a.dim], all[3*i+2*a.dim:])
		}
	case a.v.w == nil:
		s.apply(x, n, output{q, &a.q}, output{k, &a.k})
		copy(v, k)
	case a.gatedQ:
		both := s.arena.floats(2 * len(q))
		s.apply(x, n, output{both, &a.q}, output{k, &a.k}, output{v, &a.v})
		gate = s.arena.floats(len(q))
		for i := 0; i < len(q); i += a.dim {
			copy(q[i:i+a.dim], both[2*i:])
			copy(gate[i:i+a.dim], both[2*i+a.dim:])
		}
	case a.gate.w != nil:
		gate = s.arena.floats(n * a.heads * a.valueDim)
		s.apply(x, n, output{q, &a.q}, output{k, &a.k}, output{v, &a.v}, output{gate, &a.gate})
	default:
		s.apply(x, n, output{q, &a.q}, output{k, &a.k}, output{v, &a.v})
	}
	return gate
}

// description is a as kernels compute it for n tokens behind those of the session.
func (a *attention) description(s *Session, n int) kernel.Attention {
	d := kernel.Attention{Heads: a.heads, Scale: a.scale, Window: a.window, Chunk: a.chunk, Softcap: a.softcap, Sinks: a.sinks,
		Compute: s.model.opts.Compute}
	if a.bias > 0 {
		d.Bias = s.biases[a.bias-1]
	}
	if a.encoder {
		d.Keys = s.done + n
	}
	return d
}

// rotating is the task that normalises the heads of n rows of queries and keys, rotates them to their positions, from first on,
// and stores keys and values.
type rotating struct {
	*attention
	q, k, v  []float32
	n, first int
	table    *kernel.RopeTable // nil: they stay as they are
	cache    *kernel.Cache
}

// rowsPerTask is the number of rows of a chunk.
const rowsPerTask = 16

// Chunk implements kernel.Task.
func (t *rotating) Chunk(s *kernel.Scratch, chunk int) {
	qRow, kRow, vRow := t.heads*t.dim, t.kvHeads*t.dim, t.kvHeads*t.valueDim
	for i := chunk * rowsPerTask; i < min(t.n, (chunk+1)*rowsPerTask); i++ {
		q, k, v := t.q[i*qRow:(i+1)*qRow], t.k[i*kRow:(i+1)*kRow], t.v[i*vRow:(i+1)*vRow]
		if t.shared {
			k, v = nil, nil
		}
		if t.clamp > 0 {
			clampTo(t.clamp, q, k, v)
		}
		if !t.normLast {
			t.qNorm.inPlace(q)
			t.kNorm.inPlace(k)
		}
		t.vNorm.inPlace(v)
		if t.table != nil {
			t.rotate(q, t.first+i)
			t.rotate(k, t.first+i)
		}
		if t.normLast {
			t.qNorm.inPlace(q)
			t.kNorm.inPlace(k)
		}
		if t.temperature.length > 0 {
			kernel.Scale(q, t.temperature.at(t.first+i))
		}
		if !t.shared {
			t.cache.Put(s, t.first+i, k, v)
		}
	}
}

// rotate rotates all heads of a row.
func (t *rotating) rotate(heads []float32, pos int) {
	for ; len(heads) >= t.dim; heads = heads[t.dim:] {
		t.table.Apply(heads[:t.dim], pos)
	}
}

func (t temperature) at(pos int) float32 {
	return float32(1 + float64(t.scale*elementary.Log(float64(1+(pos+t.offset)/t.length))))
}

// clampTo limits all elements to -most..most.
func clampTo(most float32, rows ...[]float32) {
	for _, x := range rows {
		for i, v := range x {
			x[i] = min(most, max(-most, v))
		}
	}
}
