package kernel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/internal/mmap"
)

// watch is how long a worker that has nothing to do looks for work before it sleeps, and how long the caller looks for the
// last worker's end. It covers what a token does between two products; to wake a goroutine takes several times as long.
const watch = 10 * time.Microsecond

// line keeps what different cores write apart: two cache lines, since processors fetch them in pairs.
type line [128]byte

// team is the workers of a pool and the work that they share.
type team struct {
	turn    sync.Mutex // held while there is work
	workers []worker   // the first is the caller
	gone    sync.WaitGroup

	task   Task
	chunks int
	failed atomic.Pointer[any] // what the first worker that panicked did so with
	ended  chan struct{}       // tells a sleeping caller that left is 0

	_    line
	next atomic.Int64 // the chunk that nobody has yet
	_    line
	left atomic.Uint32 // workers that were called and have not ended; the bit asleep is set when the caller sleeps
	_    line
}

// asleep is beyond any number of workers.
const asleep = 1 << 30

// worker is one goroutine and its memory.
type worker struct {
	scratch Scratch
	work    func()        // takes chunks until there are none
	wake    chan struct{} // ends the sleep of a worker
	state   atomic.Uint32
	_       line
}

// The states of a worker. The caller changes waiting and sleeping to called, and called back to waiting when the worker has
// not begun by the time that all is done; the worker changes the others.
const (
	waiting  = iota // nothing to do
	sleeping        // until wake
	called          // there is work
	working
	dismissed // for ever
)

func newTeam(workers int) *team {
	t := &team{workers: make([]worker, workers), ended: make(chan struct{}, 1)}
	for i := range t.workers {
		w := &t.workers[i]
		w.wake = make(chan struct{}, 1)
		w.work = func() { t.work(&w.scratch) }
		if i > 0 {
			t.gone.Go(func() { t.serve(w) })
		}
	}
	return t
}

// do is Pool.Do.
func (t *team) do(chunks int, task Task) {
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.workers == nil {
		panic("kernel: a Pool is used after Close")
	}
	t.task, t.chunks = task, chunks
	t.next.Store(0)
	helpers := t.workers[1:max(1, min(len(t.workers), chunks))]
	if len(helpers) == 0 {
		t.work(&t.workers[0].scratch)
		t.task = nil
		return
	}
	t.left.Store(uint32(len(helpers)))
	for i := range helpers {
		if helpers[i].state.Swap(called) == sleeping {
			helpers[i].wake <- struct{}{}
		}
	}
	t.guarded(&t.workers[0])
	for i := range helpers {
		if helpers[i].state.CompareAndSwap(called, waiting) {
			t.left.Add(^uint32(0))
		}
	}
	t.join()
	t.task = nil
	if r := t.failed.Swap(nil); r != nil {
		panic(*r)
	}
}

// work does chunks until there are none.
func (t *team) work(s *Scratch) {
	for {
		c := int(t.next.Add(1)) - 1
		if c >= t.chunks {
			return
		}
		s.Reset()
		t.task.Chunk(s, c)
	}
}

// guarded is work, except that it keeps a panic for the caller.
func (t *team) guarded(w *worker) {
	if r := mmap.Worker(w.work); r != nil {
		t.next.Store(int64(t.chunks)) // the others need not go on
		t.failed.CompareAndSwap(nil, &[]any{r}[0])
	}
}

// join waits until no worker is at work.
func (t *team) join() {
	for p := (patience{}); ; {
		if t.left.Load() == 0 {
			return
		}
		if !p.lasts() {
			break
		}
	}
	if t.left.Add(asleep) != asleep {
		<-t.ended
	}
	t.left.Store(0)
}

// serve is a worker's life.
func (t *team) serve(w *worker) {
	for {
		switch w.await() {
		case dismissed:
			return
		case called:
			if !w.state.CompareAndSwap(called, working) {
				continue // too late
			}
			t.guarded(w)
			w.state.Store(waiting)
			if t.left.Add(^uint32(0)) == asleep {
				t.ended <- struct{}{}
			}
		}
	}
}

// await returns the state once it is no longer waiting: it watches, then sleeps.
func (w *worker) await() uint32 {
	for p := (patience{}); ; {
		if s := w.state.Load(); s != waiting {
			return s
		}
		if !p.lasts() {
			break
		}
	}
	if w.state.CompareAndSwap(waiting, sleeping) {
		<-w.wake
	}
	return w.state.Load()
}

// dismiss ends the workers.
func (t *team) dismiss() {
	t.turn.Lock()
	defer t.turn.Unlock()
	for i := range t.workers {
		w := &t.workers[i]
		if w.state.Swap(dismissed) == sleeping {
			w.wake <- struct{}{}
		}
	}
	t.workers = nil
}

// patience is the time of watching.
type patience struct {
	since time.Time
	n     int
}

// lasts pauses for an instant, and reports whether to go on.
func (p *patience) lasts() bool {
	cpu.Pause()
	p.n++
	if p.n%16 != 0 { // looking at the clock takes time
		return true
	}
	if p.since.IsZero() {
		p.since = time.Now()
		return true
	}
	return time.Since(p.since) < watch
}
