package kernel

import (
	"runtime"

	"github.com/carat-llm/carat/internal/cpu"
)

// Pool runs chunks of work on a fixed number of goroutines, the caller among them, and keeps scratch memory for each.
// Several goroutines may use a pool: their work is done one after the other, in about the order of their calls.
//
// The workers live until Close, or until the pool is garbage. Between two calls they watch for the next one for a few
// microseconds, since a token is some hundred short pieces of work, and then sleep. A worker that does not come in time, as on a
// machine that has other things to do, is not waited for: the others do its share.
type Pool struct {
	*team   // which does not know the Pool, so that the Pool can become garbage while the workers wait
	threads int
	end     runtime.Cleanup
}

// Task is work in chunks.
type Task interface {
	// Chunk does one of them. What it computes must not depend on the worker: s is scratch only.
	Chunk(s *Scratch, chunk int)
}

// NewPool returns a pool of that many workers; 0 or less means one for each physical core that Go may use. Of workers beyond
// the number of processors that Go may use there are none: they would only be in the way of the others.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = cpu.Threads()
	}
	return newPool(threads, min(threads, runtime.GOMAXPROCS(0)))
}

func newPool(threads, workers int) *Pool {
	t := newTeam(workers)
	p := &Pool{team: t, threads: threads}
	p.end = runtime.AddCleanup(p, (*team).dismiss, t)
	return p
}

// Close ends the workers once no work is under way. The pool must not be used any more.
func (p *Pool) Close() {
	p.end.Stop()
	p.dismiss()
	p.gone.Wait()
}

// Threads is the number of workers that was asked for.
func (p *Pool) Threads() int { return p.threads }

// Bytes is the scratch memory, which grows with use.
func (p *Pool) Bytes() int64 {
	p.turn.Lock()
	defer p.turn.Unlock()
	var n int64
	for i := range p.workers {
		n += p.workers[i].scratch.size()
	}
	return n
}

// Do calls t.Chunk once for each chunk 0..chunks-1, in no particular order and several at a time, and returns when all
// are done. It allocates nothing. Chunks must not call it. When a worker panics, as over a mapped file that was cut off
// (see mmap.Guard), Do does, after all workers have ended.
func (p *Pool) Do(chunks int, t Task) {
	p.do(chunks, t)
	runtime.KeepAlive(p)
}

// Run is Do for a function.
func (p *Pool) Run(chunks int, f func(s *Scratch, chunk int)) { p.Do(chunks, taskFunc(f)) }

type taskFunc func(s *Scratch, chunk int)

func (f taskFunc) Chunk(s *Scratch, chunk int) { f(s, chunk) }

// RunRange splits 0..n-1 into ranges of at most size and calls f for each, as Run does.
func (p *Pool) RunRange(n, size int, f func(first, end int)) {
	p.Run((n+size-1)/size, func(_ *Scratch, c int) { f(c*size, min(n, (c+1)*size)) })
}
