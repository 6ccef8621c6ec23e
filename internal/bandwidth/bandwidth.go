// Package bandwidth measures how fast this machine reads memory: what decoding a token cannot exceed, since it reads every
// weight once.
package bandwidth

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/carat-llm/carat/internal/sysmem"
)

// Passes over the buffer: the first is not counted.
const (
	minPasses = 4
	minTime   = 80 * time.Millisecond
)

// Size is the bytes to read for a model that reads so many for a token: as many, so that caches serve both alike, but
// enough for the time to be measurable, at most a GiB, and at most a quarter of the memory.
func Size(weights int64) int64 {
	most := int64(1 << 30)
	if total := sysmem.Total(); total > 0 {
		most = min(most, total/4)
	}
	return min(max(weights, 128<<20), most)
}

// Read is the bytes a second that threads together read from a buffer of size bytes, each its own share from front to
// back: the fastest of several passes, in a tenth of a second or more. The buffer is given back to the system.
func Read(threads int, size int64) float64 {
	share := max(size/int64(threads)/blockBytes, 1) * blockBytes
	var ready, done, gone sync.WaitGroup
	starts := make([]chan bool, threads)
	sums := make([]uint64, threads) // so that no reading is left out
	for i := range threads {
		starts[i] = make(chan bool)
		ready.Add(1)
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			// Written by who reads it: on machines of several nodes it lies near, and no two pages are the same zeros.
			part := make([]uint64, share/8)
			for j := range part {
				part[j] = uint64(j)
			}
			ready.Done()
			for range starts[i] {
				sums[i] += xor(part)
				done.Done()
			}
		})
	}
	ready.Wait()
	var best, total time.Duration
	for pass := 0; pass < minPasses || total < minTime; pass++ {
		done.Add(threads)
		begin := time.Now()
		for _, s := range starts {
			s <- true
		}
		done.Wait()
		d := max(time.Since(begin), 1)
		total += d
		if pass > 0 && (best == 0 || d < best) {
			best = d
		}
	}
	for _, s := range starts {
		close(s)
	}
	gone.Wait()
	debug.FreeOSMemory()
	return float64(share*int64(threads)) / best.Seconds()
}
