package kernel

import "sync"

// ranges is an operation on vectors, in pieces of at most size of its n elements or rows. It is what a closure would
// be, without being allocated for each call: op must be a function that captures nothing.
type ranges struct {
	op      func(r *ranges, first, end int)
	n, size int

	dst, x, y, weight, bias []float32
	eps                     float32
}

// Chunk implements Task.
func (r *ranges) Chunk(_ *Scratch, chunk int) {
	r.op(r, chunk*r.size, min(r.n, (chunk+1)*r.size))
}

// spareRanges are those that no call uses.
var spareRanges = sync.Pool{New: func() any { return new(ranges) }}

// ranges computes r.
func (p *Pool) ranges(r ranges) {
	t := spareRanges.Get().(*ranges)
	*t = r
	p.Do((r.n+r.size-1)/r.size, t)
	*t = ranges{}
	spareRanges.Put(t)
}
