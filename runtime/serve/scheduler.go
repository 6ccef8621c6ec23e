package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/model"
)

var (
	errFull    = errors.New("too many requests are waiting; try again later")
	errStopped = errors.New("the server is stopping")
)

// scheduler steps the slots, in a goroutine of its own, and gives them jobs.
type scheduler struct {
	tok     generate.Tokenizer
	batch   *model.Batch
	slots   []*slot // only its goroutine uses them
	begun   int     // jobs
	steps   []model.Step
	stepped []*slot // of each step
	metrics *metrics
	steady  bool // see slot.begin

	mu      sync.Mutex
	waiting []*job
	queue   int
	active  int
	closed  bool
	wake    chan struct{} // with room for one
	done    chan struct{}
}

// newScheduler returns one that does nothing yet: run is its goroutine.
func newScheduler(e *engine.Engine, tok generate.Tokenizer, o Options, m *metrics) (*scheduler, error) {
	s := &scheduler{tok: tok, batch: e.NewBatch(), queue: o.Queue, metrics: m,
		steady: kernel.SameRows(e.Compute()) >= block, wake: make(chan struct{}, 1), done: make(chan struct{})}
	for range o.Slots {
		session, err := e.NewSession(o.Context)
		if err != nil {
			return nil, err
		}
		s.slots = append(s.slots, &slot{session: session, logits: make([]float32, e.Vocab())})
	}
	return s, nil
}

// submit queues jobs, all or none.
func (s *scheduler) submit(jobs ...*job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errStopped
	case len(s.waiting)+len(jobs) > s.queue+max(0, len(s.slots)-s.active):
		return errFull
	}
	s.waiting = append(s.waiting, jobs...)
	s.signal()
	return nil
}

func (s *scheduler) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close ends all jobs, and returns when nothing works any more.
func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.signal()
	s.mu.Unlock()
	<-s.done
}

// load is the number of jobs in slots, and of those that wait.
func (s *scheduler) load() (active, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active, len(s.waiting)
}

func (s *scheduler) run() {
	defer close(s.done)
	for s.admit() {
		s.step()
	}
}

// admit gives waiting jobs to free slots, ends those that nobody waits for, and waits until there is something to do. It returns false in
// the end.
func (s *scheduler) admit() bool {
	for {
		s.mu.Lock()
		closed := s.closed
		s.waiting = slices.DeleteFunc(s.waiting, func(j *job) bool { return over(j, closed) })
		active := 0
		for _, sl := range s.slots {
			if sl.job != nil && over(sl.job, closed) {
				sl.release()
			}
			if sl.job != nil {
				active++
			}
		}
		for len(s.waiting) > 0 && active < len(s.slots) {
			j := s.waiting[0]
			s.waiting = slices.Delete(s.waiting, 0, 1)
			s.begun++
			sl, leader := choose(s.slots, j.prompt), reader(s.slots, j.prompt)
			if leader != nil && common(sl.ids, j.prompt) < len(j.prompt)-1 {
				sl.follow(leader, j, s.begun)
			} else {
				sl.begin(j, s.begun, s.steady)
			}
			active++
		}
		s.active = active
		s.mu.Unlock()
		switch {
		case active > 0:
			return true
		case closed:
			return false
		}
		<-s.wake
	}
}

// over ends a job whose client is gone, or all when the server stops.
func over(j *job, closed bool) bool {
	switch {
	case j.ctx.Err() != nil:
		j.end("", context.Cause(j.ctx))
	case closed:
		j.end("", errStopped)
	default:
		return false
	}
	return true
}

// step evaluates some tokens of each slot, and draws those that follow.
func (s *scheduler) step() {
	s.plan()
	if err := s.batch.Forward(s.steps); err != nil {
		err = refused(http.StatusInternalServerError, "server_error", "internal", "the model cannot be evaluated: %v", err)
		for _, sl := range s.stepped {
			sl.job.end("", err)
			sl.forget()
			sl.release()
		}
		return
	}
	for i, st := range s.steps {
		sl := s.stepped[i]
		sl.ids, sl.pending = append(sl.ids, st.IDs...), sl.pending[len(st.IDs):]
		if st.Logits == nil {
			s.metrics.read.Add(int64(len(st.IDs)))
			continue
		}
		if sl.writing == nil {
			s.metrics.read.Add(int64(len(st.IDs)))
			for _, f := range s.slots { // before the logits are changed
				if f.leader == sl && f.leads == sl.job {
					f.copyFrom(sl)
					s.draw(f)
				}
			}
		}
		s.draw(sl)
	}
}

// draw draws a token of a slot, which is free if that was the last.
func (s *scheduler) draw(sl *slot) {
	if reason, err := s.write(sl); reason != "" || err != nil {
		sl.job.end(reason, err)
		sl.release()
	}
}

// plan makes a step of each slot: of a prompt a piece, and no pieces but the first when there are many tokens already.
func (s *scheduler) plan() {
	clear(s.steps)
	s.steps, s.stepped = s.steps[:0], s.stepped[:0]
	most, total := block, 0
	if slices.ContainsFunc(s.slots, func(sl *slot) bool { return sl.writing != nil }) {
		most = shorter
	}
	for _, sl := range s.slots {
		if sl.job == nil {
			continue
		}
		if sl.leader != nil {
			if sl.leader.job == sl.leads {
				continue
			}
			sl.leader, sl.leads = nil, nil // its client has gone, or it failed
			sl.begin(sl.job, sl.used, s.steady)
		}
		n := len(sl.pending)
		if sl.writing == nil {
			if n = piece(len(sl.ids), n, most); total > 0 && total+n > most {
				continue
			}
			total += n
		}
		st := model.Step{Session: sl.session, IDs: sl.pending[:n], From: n}
		if n == len(sl.pending) {
			st.From, st.Logits = n-1, sl.logits
		}
		s.steps, s.stepped = append(s.steps, st), append(s.stepped, sl)
	}
}

// write draws a token of a slot from its logits.
func (s *scheduler) write(sl *slot) (generate.Reason, error) {
	j := sl.job
	if sl.writing == nil {
		var err error
		if sl.writing, err = generate.NewWriting(s.tok, j.prompt, j.opts, func(text []byte) error { j.add(text); return nil }); err != nil {
			return "", err
		}
	}
	for id, b := range j.bias {
		sl.logits[id] += b
	}
	before := len(sl.writing.Tokens)
	id, reason, err := sl.writing.Take(sl.logits)
	if len(sl.writing.Tokens) > before {
		s.metrics.written.Add(1)
		if j.probs {
			t := tokenProbs{Probable: generate.Probable{ID: id}}
			t.LogProb, t.best = generate.LogProbs(sl.logits, id, j.top)
			j.add(nil, t)
		}
	}
	sl.pending = sl.writing.Tokens[before:]
	j.mu.Lock()
	j.written = len(sl.writing.Tokens)
	j.mu.Unlock()
	j.wake()
	return reason, err
}
