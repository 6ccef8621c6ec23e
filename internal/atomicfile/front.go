package atomicfile

import "sync"

// front is how far a file is written without a gap. What is behind it is sent to the disk, and given to who follows, while
// the rest is still being made.
type front struct {
	mu       sync.Mutex
	moved    sync.Cond
	at       int64           // everything before is written
	beyond   map[int64]int64 // ranges behind a gap, begin to end
	sent     int64           // everything before was handed out by wrote
	read     int64           // everything before the follower has had
	followed bool
	again    bool // something before at was written once more
	over     bool // nothing more is written
}

const (
	// sendStep is sent to the disk at a time, and of files that are not larger nothing is: Commit is fast without.
	sendStep = 8 << 20
	// lead is how much more may be written than the follower has had. When it is slower than what writes, all wait for it in
	// the end, and shall not take its processor meanwhile.
	lead = 16 << 20
)

func newFront() *front {
	f := &front{beyond: map[int64]int64{}}
	f.moved.L = &f.mu
	return f
}

// wrote takes note of a range, and returns one that the caller shall send to the disk, often an empty one. It waits for a
// follower that is far behind.
func (f *front) wrote(begin, end int64) (from, to int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case begin >= end:
		return 0, 0
	case begin < f.at:
		f.again = true
		return 0, 0
	case begin > f.at:
		f.beyond[begin] = max(end, f.beyond[begin])
		return 0, 0
	}
	f.at = end
	for next, ok := f.beyond[f.at]; ok; next, ok = f.beyond[f.at] {
		delete(f.beyond, f.at)
		f.at = next
	}
	from, to = f.sent, f.at-f.at%sendStep
	f.sent = to
	f.moved.Broadcast()
	for f.followed && f.at-f.read > lead && !f.over {
		f.moved.Wait()
	}
	return from, to
}

// follow makes writing wait for a follower.
func (f *front) follow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followed = true
}

// had takes note of how far the follower is.
func (f *front) had(to int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = to
	f.moved.Broadcast()
}

// end says that nothing more is written.
func (f *front) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	f.moved.Broadcast()
}

// rewritten reports whether something changed that the follower may have had already.
func (f *front) rewritten() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.again
}

// next waits until a whole step behind from is written, or nothing more will be, and returns what is written then, in
// whole steps while more may come. more is false when it is the last.
func (f *front) next(from, step int64) (to int64, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.at < from+step && !f.over {
		f.moved.Wait()
	}
	if f.over {
		return max(f.at, from), false
	}
	return f.at - f.at%step, true
}
