package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPoolPanics: a worker's panic is the caller's, once no worker runs any more.
func TestPoolPanics(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := newPool(threads, threads)
		var running atomic.Int32
		func() {
			defer func() {
				require.Contains(t, recover(), "chunk 7")
				require.Zero(t, running.Load())
			}()
			p.Run(100, func(_ *Scratch, c int) {
				running.Add(1)
				defer running.Add(-1)
				if c == 7 {
					panic("chunk 7")
				}
			})
		}()
		n := atomic.Int32{}
		p.Run(100, func(*Scratch, int) { n.Add(1) })
		require.Equal(t, int32(100), n.Load(), "the pool goes on to work")
	}
}

func TestPoolRunsEachChunkOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		p := newPool(threads, threads)
		for n := range 100 { // few chunks wake few workers, and some too late
			counts := make([]atomic.Int32, n)
			p.Run(n, func(s *Scratch, c int) {
				require.Zero(t, s.used, "a chunk begins with all scratch")
				require.Len(t, s.Floats(c), c)
				counts[c].Add(1)
			})
			for c := range counts {
				require.EqualValues(t, 1, counts[c].Load(), "chunk %d of %d", c, n)
			}
		}
		p.Close()
	}
}

// TestPoolIsShared: work of several goroutines is done one after the other, each with memory of its own.
func TestPoolIsShared(t *testing.T) {
	p := newPool(3, 3)
	defer p.Close()
	var callers sync.WaitGroup
	for range 5 {
		callers.Go(func() {
			for range 200 {
				var sum atomic.Int64
				p.Run(6, func(s *Scratch, c int) {
					x := s.Int32s(100)
					for i := range x {
						x[i] = int32(c)
					}
					for _, v := range x {
						sum.Add(int64(v))
					}
				})
				require.EqualValues(t, 1500, sum.Load())
			}
		})
	}
	callers.Wait()
}

// TestPoolEnds: workers end with Close, and with a pool that nobody has any more.
func TestPoolEnds(t *testing.T) {
	p := newPool(4, 4)
	p.Run(9, func(*Scratch, int) {})
	p.Close()
	p.gone.Wait() // for ever, if one lives on
	p.Close()
	require.Panics(t, func() { p.Run(1, func(*Scratch, int) {}) })

	p = newPool(4, 4)
	p.Run(9, func(*Scratch, int) {})
	left := p.team
	runtime.GC() // p is not used below
	left.gone.Wait()
}

func TestPoolAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := newPool(threads, threads)
		var n atomic.Int64
		task := taskFunc(func(s *Scratch, c int) { n.Add(int64(len(s.Floats(1000)))) })
		p.Do(100, task)
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Do(8, task) }))
		p.Close()
	}
}
