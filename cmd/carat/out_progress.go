package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/carat-llm/carat/internal/display"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows bytes, or things counted, done on a terminal and nothing elsewhere. Workers call update from any goroutine;
// one goroutine draws, so that work never waits for the terminal.
type bar struct {
	done, total atomic.Int64
	first       atomic.Int64 // of done, what an earlier run did: it says nothing about speed
	title       atomic.Pointer[string]
	counts      bool // of things, not bytes
	stop        chan struct{}
	stopped     chan struct{}
}

func newBar(g global, title string) *bar { return startBar(g, title, false) }

// newCounter is a bar of things that are counted.
func newCounter(g global, title string) *bar { return startBar(g, title, true) }

func startBar(g global, title string, counts bool) *bar {
	b := &bar{counts: counts, stop: make(chan struct{}), stopped: make(chan struct{})}
	b.describe(title)
	if f := fileOf(g.err); f == nil || g.quiet || g.noProgress || !term.IsTerminal(int(f.Fd())) {
		close(b.stopped)
		return b
	}
	go b.draw(g.err)
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

// resume is update with what an earlier run did.
func (b *bar) resume(done, total int64) {
	b.first.Store(done)
	b.update(done, total)
}

// describe changes what stands before the bar.
func (b *bar) describe(title string) {
	title = display.Name(title)
	b.title.Store(&title)
}

func (b *bar) draw(w io.Writer) {
	defer close(b.stopped)
	pb := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(*b.title.Load()),
		progressbar.OptionShowBytes(!b.counts),
		progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetPredictTime(false), // it knows the last seconds only, and a chunk may take longer
		progressbar.OptionSetWidth(30),
		progressbar.OptionEnableColorCodes(false),
		progressbar.OptionUseANSICodes(true), // a line is cleared by one code, not by spaces that are seen
		progressbar.OptionClearOnFinish())
	began := time.Now()
	var total, done int64
	var text string
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			_ = pb.Clear()
			return
		case <-tick.C:
			t := b.total.Load()
			if t <= 0 {
				continue
			}
			// Every call draws: none when nothing has changed.
			if t != total {
				total = t
				pb.ChangeMax64(t)
			}
			if d := b.done.Load(); d != done {
				done = d
				_ = pb.Set64(d)
			}
			if s := b.text(time.Since(began)); s != text {
				text = s
				pb.Describe(s)
			}
		}
	}
}

// text is the title and the time left.
func (b *bar) text(elapsed time.Duration) string {
	title, first, done, total := *b.title.Load(), b.first.Load(), b.done.Load(), b.total.Load()
	if done <= first || done > total {
		return title
	}
	left := time.Duration(float64(elapsed) * float64(total-done) / float64(done-first))
	return fmt.Sprintf("%s, %s left", title, left.Round(time.Second))
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
