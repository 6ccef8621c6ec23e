package serve

import (
	"slices"

	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/model"
)

// slot is a session and the job that it works for.
type slot struct {
	session *model.Session
	ids     []int32 // what the session holds
	read    int     // of ids: those that were read as a prompt, many at a time; see reusable
	used    int     // when it was last begun, in jobs
	logits  []float32

	job     *job // nil: it is free
	pending []int32
	writing *generate.Writing // nil while the prompt is read

	leader *slot // it reads the same prompt, and is copied when that is read; nil: the slot reads its own
	leads  *job  // the leader's when it was chosen
}

// Prompts are read in pieces, so that those who write need not wait long for a long one.
const (
	block   = 512 // what a session evaluates at a time
	shorter = 128 // when somebody is writing
)

// piece is how many of rest tokens behind the first at ones are read at a time: within a block of 512, as a session alone takes them, equal
// parts of at most so many. (Equal ones, since kernels for few tokens may round otherwise than those for many.)
func piece(at, rest, most int) int {
	rest = min(rest, block-at%block)
	parts := (rest + most - 1) / most
	return (rest + parts - 1) / parts
}

// common is the length of the beginning that a and b share.
func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// choose returns a free slot for prompt, nil if there is none: the one that knows most of it, if that is at least half of the prompt or of
// what the slot knows, so that a conversation finds its slot again and a common beginning does not cost another one its own; else the one
// that was used longest ago.
func choose(slots []*slot, prompt []int32) *slot {
	var knowing, oldest *slot
	known := 0
	for _, s := range slots {
		if s.job != nil {
			continue
		}
		if oldest == nil || s.used < oldest.used {
			oldest = s
		}
		if n := common(s.ids, prompt); n > known && 2*n >= min(len(prompt), len(s.ids)) {
			knowing, known = s, n
		}
	}
	if knowing != nil {
		return knowing
	}
	return oldest
}

// Where kernels for many tokens round otherwise than those for few (fast computation with AMX), many are at least so many.
const many = 32

// reusable is how many of the known tokens, read as a prompt, of a prompt of n need not be read again, so that all are computed as they are
// when all are read: those of a block of 512 with many tokens, many at a time.
func reusable(known, n int) int {
	if last := (n - 1) / block * block; n-last < many { // a short block is read as a whole
		known, n = min(known, last), last
	}
	if end := min(known/block*block+block, n); known < n && end-known < many {
		return end - many
	}
	return known
}

// readMany is how many of a prompt of n tokens are read many at a time.
func readMany(n int) int {
	if n%block < many {
		return n / block * block
	}
	return n
}

// begin gives the slot a job. Steady says that tokens are computed alike, few or many at a time.
func (s *slot) begin(j *job, number int, steady bool) {
	known := min(common(s.ids, j.prompt), len(j.prompt)-1) // the last one's logits are wanted
	if !steady {
		known = reusable(min(known, s.read), len(j.prompt))
	}
	s.read = readMany(len(j.prompt))
	s.session.Truncate(known)
	s.ids = s.ids[:known]
	s.job, s.used, s.pending, s.writing = j, number, j.prompt[known:], nil
	j.mu.Lock()
	j.cached = known
	j.mu.Unlock()
}

// reader is the slot that reads the prompt already; nil if there is none.
func reader(slots []*slot, prompt []int32) *slot {
	for _, s := range slots {
		if s.job != nil && s.writing == nil && s.leader == nil && slices.Equal(s.job.prompt, prompt) {
			return s
		}
	}
	return nil
}

// follow gives the slot a job whose prompt another one reads.
func (s *slot) follow(leader *slot, j *job, number int) {
	s.job, s.used, s.leader, s.leads = j, number, leader, leader.job
}

// copyFrom makes the slot what its leader is, which has read the prompt.
func (s *slot) copyFrom(leader *slot) {
	s.session.CopyFrom(leader.session)
	s.ids, s.read = append(s.ids[:0], leader.ids...), leader.read
	copy(s.logits, leader.logits)
	s.leader, s.leads = nil, nil
	s.job.mu.Lock()
	s.job.cached = len(s.ids)
	s.job.mu.Unlock()
}

// release makes the slot free; what it knows it keeps.
func (s *slot) release() {
	s.job, s.pending, s.writing, s.leader, s.leads = nil, nil, nil, nil, nil
}

// forget empties the session.
func (s *slot) forget() {
	s.session.Reset()
	s.ids = s.ids[:0]
}
