package main

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows bytes, or things counted, done on a terminal and nothing elsewhere. Workers call update from any goroutine;
// one goroutine draws, so that work never waits for the terminal.
type bar struct {
	done, total atomic.Int64
	title       atomic.Pointer[string]
	counts      bool // of things, not bytes
	stop        chan struct{}
	stopped     chan struct{}
}

func newBar(w io.Writer, g global, title string) *bar { return startBar(w, g, title, false) }

// newCounter is a bar of things that are counted.
func newCounter(w io.Writer, g global, title string) *bar { return startBar(w, g, title, true) }

func startBar(w io.Writer, g global, title string, counts bool) *bar {
	b := &bar{counts: counts, stop: make(chan struct{}), stopped: make(chan struct{})}
	b.describe(title)
	if f, ok := w.(*os.File); !ok || g.quiet || g.noProgress || !term.IsTerminal(int(f.Fd())) {
		close(b.stopped)
		return b
	}
	go b.draw(w)
	return b
}

func (b *bar) update(done, total int64) {
	b.total.Store(total)
	for {
		old := b.done.Load()
		if done <= old || b.done.CompareAndSwap(old, done) {
			return
		}
	}
}

// describe changes what stands before the bar.
func (b *bar) describe(title string) { b.title.Store(&title) }

func (b *bar) draw(w io.Writer) {
	defer close(b.stopped)
	pb := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(*b.title.Load()),
		progressbar.OptionShowBytes(!b.counts),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionEnableColorCodes(false),
		progressbar.OptionClearOnFinish())
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			_ = pb.Clear()
			return
		case <-tick.C:
			if t := b.total.Load(); t > 0 {
				pb.Describe(*b.title.Load())
				pb.ChangeMax64(t)
				_ = pb.Set64(b.done.Load())
			}
		}
	}
}

// finish takes the bar off the screen.
func (b *bar) finish() {
	select {
	case <-b.stopped:
	default:
		close(b.stop)
		<-b.stopped
	}
}
