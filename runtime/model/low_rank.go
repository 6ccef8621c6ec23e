package model

import (
	"fmt"
	"maps"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// change is what an adapter does to a tensor.
type change struct {
	adapter, tensor string
	a, b            gguf.Tensor
	rank            int
	scale           float32
	used            bool

	wa, wb *kernel.Matrix // of all experts; nil until they are needed
}

// fits checks that the change is one of w, and finds its rank.
func (c *change) fits(w gguf.TensorInfo) error {
	a, b := c.a.Info(), c.b.Info()
	side := func(t gguf.TensorInfo, i int) int64 {
		if i < len(t.Shape) {
			return t.Shape[i]
		}
		return 1
	}
	rank := side(b, 0)
	wantA, wantB := []int64{side(w, 0), rank}, []int64{rank, side(w, 1)}
	if w.Name == embeddings {
		wantA, wantB = []int64{rank, side(w, 1)}, []int64{rank, side(w, 0)}
	}
	for i := range 4 {
		if i >= 2 {
			wantA, wantB = append(wantA, side(w, i)), append(wantB, side(w, i))
		}
		if side(a, i) != wantA[i] || side(b, i) != wantB[i] {
			return fmt.Errorf("tensors %s and %s have the shapes %v and %v, which do not change one of %v, as the model's %s is", a.Name, b.Name, a.Shape, b.Shape, w.Shape, w.Name)
		}
	}
	for _, t := range []gguf.TensorInfo{a, b} {
		if err := kernel.CheckMatrix(t.Type, int(t.Cols())); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
	}
	c.rank = int(rank)
	return nil
}

// load reads the two matrices.
func (c *change) load() error {
	if c.wa != nil {
		return nil
	}
	for _, part := range []struct {
		t gguf.Tensor
		w **kernel.Matrix
	}{{c.a, &c.wa}, {c.b, &c.wb}} {
		info := part.t.Info()
		data, err := read(part.t)
		if err == nil {
			*part.w, err = kernel.NewMatrix(info.Type, int(info.Rows()), int(info.Cols()), data)
		}
		if err != nil {
			return fmt.Errorf("adapter %s: tensor %s: %w", c.adapter, info.Name, err)
		}
	}
	c.used = true
	return nil
}

// lowRank is a change of a matrix: scale * b * a is added to it.
type lowRank struct {
	a, b  *kernel.Matrix // cols -> rank -> rows
	scale float32
}

// lowRanks are the changes of m, which begins at row first of its tensor.
func (l *loader) lowRanks(m linear, first int) (list []lowRank) {
	if m.name == embeddings { // see Adapt
		return nil
	}
	for _, c := range l.changes[m.name] {
		if err := c.load(); err != nil {
			l.keep(err)
			return nil
		}
		list = append(list, lowRank{c.wa.RowRange(m.expert*c.rank, c.rank), c.wb.RowRange(first, m.w.Rows), c.scale})
	}
	return list
}

// embeddingChanges are those of token_embd: a has a row of rank numbers for each token.
func (l *loader) embeddingChanges() (list []lowRank) {
	for _, c := range l.changes[embeddings] {
		if err := c.load(); err != nil {
			l.keep(err)
			return nil
		}
		list = append(list, lowRank{c.wa, c.wb, c.scale})
	}
	return list
}

// unusedChanges refuses changes of tensors with which nothing is multiplied, which would be left out.
func (l *loader) unusedChanges() {
	for _, name := range slices.Sorted(maps.Keys(l.changes)) {
		for _, c := range l.changes[name] {
			if !c.used {
				l.fail("adapter %s: tensor %s%s: %s models do not multiply with %s, and its change cannot be applied at run time; merge it", c.adapter, name, suffixA, l.arch, name)
			}
		}
	}
}

// addLowRanks adds to results of products with the n rows of x what adapters make of them.
func (s *Session) addLowRanks(x []float32, n int, outs []output) {
	mark := s.arena.mark()
	s.products, s.lows = s.products[:0], s.lows[:0]
	for _, o := range outs {
		for i := range o.m.changes {
			c := &o.m.changes[i]
			low := s.arena.floats(n * c.a.Rows)
			s.products = append(s.products, kernel.Product{Dst: low, W: c.a})
			s.lows = append(s.lows, low)
		}
	}
	if len(s.products) > 0 {
		s.multiplier.MatMuls(s.pool, x, n, s.products...)
	}
	next := 0
	for _, o := range outs {
		for i := range o.m.changes {
			s.addLowRank(o.dst[:n*o.m.w.Rows], s.lows[next], n, &o.m.changes[i])
			next++
		}
	}
	s.arena.release(mark)
}

// addLowRank adds scale * b * low to dst, n rows.
func (s *Session) addLowRank(dst, low []float32, n int, c *lowRank) {
	mark := s.arena.mark()
	out := s.arena.floats(n * c.b.Rows)
	s.pool.Scale(low, c.scale)
	s.products = append(s.products[:0], kernel.Product{Dst: out, W: c.b})
	s.multiplier.MatMuls(s.pool, low, n, s.products...)
	s.pool.Add(dst, out)
	s.arena.release(mark)
}

// addEmbeddingChanges adds to x, the embeddings of ids, what adapters change of them.
func (s *Session) addEmbeddingChanges(x []float32, ids []int32, changes []lowRank) {
	for i := range changes {
		c, mark := &changes[i], s.arena.mark()
		low := s.arena.floats(len(ids) * c.a.Cols)
		for j, id := range ids {
			c.a.Row(low[j*c.a.Cols:], int(id))
		}
		s.addLowRank(x, low, len(ids), c)
		s.arena.release(mark)
	}
}
