package main

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows bytes done on a terminal and nothing elsewhere. Workers call update from any goroutine;
// one goroutine draws, so that work never waits for the terminal.
type bar struct {
	done, total atomic.Int64
	stop        chan struct{}
	stopped     chan struct{}
}

func newBar(w io.Writer, g global, title string) *bar {
	b := &bar{stop: make(chan struct{}), stopped: make(chan struct{})}
	if f, ok := w.(*os.File); !ok || g.quiet || g.noProgress || !term.IsTerminal(int(f.Fd())) {
		close(b.stopped)
		return b
	}
	go b.draw(w, title)
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

func (b *bar) draw(w io.Writer, title string) {
	defer close(b.stopped)
	pb := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionShowBytes(true),
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
