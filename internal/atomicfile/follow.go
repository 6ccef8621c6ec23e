package atomicfile

import (
	"context"
	"io"
	"math"

	"github.com/carat-llm/carat/internal/mmap"
)

// Follower gives the content of a file to a writer while the file is being written.
type Follower struct {
	file   *File
	w      io.Writer
	mapped []byte // the file, where it can be mapped
	buf    []byte
	at     int64
	err    error
	done   chan struct{}
}

// followBytes is given at a time: little enough to stay in the processor's cache.
const followBytes = 256 << 10

// Follow begins to give what is written to w, which only hashes or counts it and does not fail: from front to back, in a
// goroutine of its own. It must be called before anything is written, and once.
func (a *File) Follow(w io.Writer) *Follower {
	f := &Follower{file: a, w: w, done: make(chan struct{})}
	f.mapped, _ = mmap.Map(a.f, a.size, a.fault)
	if f.mapped == nil {
		f.buf = make([]byte, followBytes)
	}
	a.follower = f
	a.front.follow()
	a.following.Add(1)
	go func() {
		defer a.following.Done()
		defer close(f.done)
		defer a.front.had(math.MaxInt64)
		for more := true; more && f.err == nil; {
			var to int64
			if to, more = a.front.next(f.at, followBytes); !a.stop.Load() {
				f.err = f.copy(context.Background(), to)
				a.front.had(f.at)
			}
		}
	}()
	return f
}

// Wait returns when w has had the whole file, before Commit; nothing may be written any more. It is false, and w then worth
// nothing, when a part was written twice.
func (f *Follower) Wait(ctx context.Context) (whole bool, err error) {
	f.file.front.end()
	f.file.beginSync()
	select {
	case <-f.done:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if f.err == nil && (f.file.front.rewritten() || f.at > f.file.size) {
		return false, nil
	}
	if f.err == nil {
		f.err = f.copy(ctx, f.file.size) // what nobody wrote
	}
	return f.err == nil, f.err
}

// copy gives w what lies before to.
func (f *Follower) copy(ctx context.Context, to int64) error {
	return mmap.Guard(func() error {
		for f.at < to {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(followBytes, to-f.at)
			p := f.buf
			if f.mapped != nil {
				p = f.mapped[f.at:][:n]
			} else if _, err := f.file.ReadAt(p[:n], f.at); err != nil {
				return err
			}
			_, _ = f.w.Write(p[:n])
			f.at += n
		}
		return nil
	})
}

// close ends the mapping.
func (f *Follower) close() {
	if f.mapped != nil {
		_ = mmap.Unmap(f.mapped)
		f.mapped = nil
	}
}
