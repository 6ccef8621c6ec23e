package kernel

import (
	"sync"
	"sync/atomic"
)

// Attention describes attention of grouped queries. It is causal unless Keys is set: a query sees no later position.
type Attention struct {
	// Heads is the number of query heads, a multiple of the cache's heads.
	Heads int
	// Scale multiplies the products of queries and keys.
	Scale float32
	// Window is the number of positions that a query sees, its own among them; 0 means all.
	Window int
	// Compute says whether BF16 is good enough for many queries, where it is faster.
	Compute Compute
	// Chunk parts the positions into chunks of so many, and a query sees those of its own only; 0 means no chunks. Either
	// Window or Chunk is 0.
	Chunk int
	// Keys is the number of positions that every query sees, as in encoders; 0 means causal attention. Of a Window, half is on
	// either side then: positions at most Window/2 away are seen.
	Keys int
	// Softcap squeezes scores into (-Softcap, Softcap); 0 means none.
	Softcap float32
	// Bias is added to scores; nil means none.
	Bias *Bias
	// Sinks is a further score for each head, which takes its share of the weights and has no value; nil means none.
	Sinks []float32
}

// Bias is what is added to the score of a key, by head and distance: Rows[head][key-query+Zero]. Rows reach as far as any
// distance that is seen.
type Bias struct {
	Rows [][]float32
	Zero int
}

// start is the first position that the query at pos sees.
func (a *Attention) start(pos int) int {
	switch {
	case a.Chunk > 0:
		return pos / a.Chunk * a.Chunk
	case a.Window == 0:
		return 0
	case a.Keys > 0:
		return max(0, pos-a.Window/2)
	}
	return max(0, pos+1-a.Window)
}

// end is the first position behind those that the query at pos sees.
func (a *Attention) end(pos int) int {
	switch {
	case a.Keys == 0:
		return pos + 1
	case a.Window == 0:
		return a.Keys
	}
	return min(a.Keys, pos+a.Window/2+1)
}

const (
	// spanKeys is the number of keys that are summed up alone before they are merged with those before them. It is a
	// part of what attention is (see attender), and lets several workers share a query.
	spanKeys = 4 * blockKeys
	// tileRows is about the number of rows, queries times heads of a group, that meet a block of keys at a time; of BF16
	// more, to use what was made of keys and values more often.
	tileRows     = 64
	tileRowsBF16 = 256
	// splitFloats limits the memory of what workers leave each other.
	splitFloats = 1 << 22
)

// Attend computes the attention of n queries at the positions first, first+1, ... over the keys and values of the cache, which
// holds all positions that they see. q has n rows of Heads keys, dst of Heads values.
func (p *Pool) Attend(dst, q []float32, n, first int, c *Cache, a Attention) {
	if n == 0 {
		return
	}
	t := spareAttenders.Get().(*attender)
	t.dst, t.q, t.n, t.first, t.cache, t.Attention = dst, q, n, first, c, a
	t.prepare(p.Threads())
	p.Do(t.heads*t.tiles*t.parts, t)
	t.dst, t.q, t.cache = nil, nil, nil
	spareAttenders.Put(t)
}

var spareAttenders = sync.Pool{New: func() any { return new(attender) }}

// attender is the task of Attend.
//
// The keys that a query sees are cut where positions are multiples of 256, into spans. Those of a span are taken in blocks of
// 64 (online softmax): with m the largest score so far, each key's weight is exp(score - m), and sums of before are
// multiplied by exp(old m - new m) first. Spans are then merged from the first on, in the same way. So what is computed for
// a query depends on its position alone: neither on the other queries, nor on which worker computes which span.
type attender struct {
	Attention
	dst, q   []float32
	n, first int
	cache    *Cache

	heads, group int // key-value heads; query heads of each
	queries      int // of a tile
	tiles        int
	parts        int // chunks that share a tile: one for each span, or a single one
	firstSpan    int // of the queries' spans
	inBF16       bool

	partial []float32      // what each span of each tile came to, when parts share tiles
	done    []atomic.Int32 // spans of a tile that are finished
}

// prepare chooses the chunks for so many workers.
func (t *attender) prepare(threads int) {
	c := t.cache
	t.heads, t.group = c.heads, t.Heads/c.heads
	t.cut(tileRows)
	if t.inBF16 = t.useBF16(); t.inBF16 {
		for rows := tileRowsBF16; rows > tileRows; rows /= 2 {
			if t.cut(rows); t.heads*t.tiles >= 4*threads {
				break
			}
		}
	}
	t.firstSpan = t.start(t.first) / spanKeys
	t.parts = 1
	spans := (t.end(t.first+t.n-1)-1)/spanKeys - t.firstSpan + 1
	shared := t.heads * t.tiles * spans * t.stateSize()
	if spans > 1 && t.heads*t.tiles < 8*threads && threads > 1 && shared <= splitFloats {
		t.parts = spans
		if cap(t.partial) < shared {
			t.partial = make([]float32, shared)
		}
		t.partial = t.partial[:shared]
		if cap(t.done) < t.heads*t.tiles {
			t.done = make([]atomic.Int32, t.heads*t.tiles)
		}
		t.done = t.done[:t.heads*t.tiles]
		for i := range t.done {
			t.done[i].Store(0)
		}
	}
}

// cut makes tiles of about so many rows.
func (t *attender) cut(rows int) {
	t.queries = max(1, min(t.n, rows/t.group))
	t.tiles = (t.n + t.queries - 1) / t.queries
}

// stateSize is the number of elements of a tile's state.
func (t *attender) stateSize() int {
	rows := t.queries * t.group
	if t.inBF16 {
		rows = (rows + bf16Rows - 1) / bf16Rows * bf16Rows
	}
	return rows * t.cache.stateRow()
}

// Chunk implements Task.
func (t *attender) Chunk(s *Scratch, chunk int) {
	part, number := chunk%t.parts, chunk/t.parts
	head, first := number%t.heads, (t.tiles-1-number/t.heads)*t.queries // long rows first, so that workers end together
	w := newQueryTile(t, s, head, first)
	if t.parts == 1 {
		w.wholly()
		return
	}
	size := t.stateSize()
	partials := t.partial[number*t.parts*size:][:t.parts*size]
	w.span(t.firstSpan+part, w.state(partials[part*size:]))
	if int(t.done[number].Add(1)) == t.parts {
		w.merge(partials, size)
	}
}
