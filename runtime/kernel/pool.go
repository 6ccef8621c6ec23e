package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/internal/mmap"
)

// Pool runs chunks of work on a fixed number of goroutines, the caller among them, and keeps a scratch
// buffer for each. A Pool serves one caller at a time: every session has its own.
type Pool struct {
	scratch []Scratch
}

// Scratch is memory that one worker reuses from chunk to chunk.
type Scratch struct{ floats []float32 }

// Floats returns n float32 of undefined content, valid until the worker's next call of Floats.
func (s *Scratch) Floats(n int) []float32 {
	if cap(s.floats) < n {
		s.floats = make([]float32, n)
	}
	return s.floats[:n]
}

// NewPool returns a pool of that many workers; 0 or less means one for each processor Go may use.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Pool{scratch: make([]Scratch, threads)}
}

// Threads is the number of workers.
func (p *Pool) Threads() int { return len(p.scratch) }

// Bytes is the memory of the scratch buffers, which grow with use.
func (p *Pool) Bytes() int64 {
	var n int64
	for i := range p.scratch {
		n += 4 * int64(cap(p.scratch[i].floats))
	}
	return n
}

// Run calls f once for each chunk 0..chunks-1, in no particular order and several at a time, and
// returns when all are done. What a chunk computes must not depend on the worker: s is scratch only. When a worker
// panics, as over a mapped file that was cut off (see mmap.Guard), Run does, after all workers have ended.
func (p *Pool) Run(chunks int, f func(s *Scratch, chunk int)) {
	workers := min(len(p.scratch), chunks)
	if workers <= 1 {
		for c := range chunks {
			f(&p.scratch[0], c)
		}
		return
	}
	var next atomic.Int64
	var failed atomic.Pointer[any] // what the first worker that panicked did so with
	work := func(s *Scratch) {
		r := mmap.Worker(func() {
			for {
				c := int(next.Add(1)) - 1
				if c >= chunks {
					return
				}
				f(s, c)
			}
		})
		if r != nil {
			next.Store(int64(chunks)) // the others need not go on
			failed.CompareAndSwap(nil, &r)
		}
	}
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		wg.Go(func() { work(&p.scratch[i]) })
	}
	work(&p.scratch[0])
	wg.Wait()
	if r := failed.Load(); r != nil {
		panic(*r)
	}
}

// RunRange splits 0..n-1 into ranges of at most size and calls f for each, as Run does.
func (p *Pool) RunRange(n, size int, f func(first, end int)) {
	p.Run((n+size-1)/size, func(_ *Scratch, c int) { f(c*size, min(n, (c+1)*size)) })
}
