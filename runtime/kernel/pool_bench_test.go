package kernel

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// spawning is a pool without workers, for comparison: a goroutine for each of them and each call.
type spawning struct{ scratch []Scratch }

func (p spawning) Do(chunks int, t Task) {
	var next atomic.Int64
	work := func(s *Scratch) {
		for c := next.Add(1) - 1; c < int64(chunks); c = next.Add(1) - 1 {
			t.Chunk(s, int(c))
		}
	}
	var wg sync.WaitGroup
	for i := 1; i < min(len(p.scratch), chunks); i++ {
		wg.Go(func() { work(&p.scratch[i]) })
	}
	work(&p.scratch[0])
	wg.Wait()
}

// busy is a task of chunks that take a while.
type busy time.Duration

func (b *busy) Chunk(*Scratch, int) { spend(time.Duration(*b)) }

func spend(d time.Duration) {
	for start := time.Now(); d > 0 && time.Since(start) < d; {
	}
}

// BenchmarkJoin measures handing out work and waiting for its end: the time of a call without that of its chunks, of which
// each worker has four. Between two calls the caller is busy with something else, as a token's norms.
func BenchmarkJoin(b *testing.B) {
	for _, threads := range []int{1, 2, 4} {
		pool := newPool(threads, threads)
		defer pool.Close()
		for _, way := range []struct {
			name string
			do   func(int, Task)
		}{{"pool", pool.Do}, {"spawn", spawning{make([]Scratch, threads)}.Do}} {
			for _, between := range []time.Duration{0, 2 * time.Microsecond, 50 * time.Microsecond} {
				for _, chunk := range []time.Duration{0, 5 * time.Microsecond} {
					b.Run(fmt.Sprintf("threads=%d/between=%v/chunk=%v/%s", threads, between, chunk, way.name), func(b *testing.B) {
						b.ReportAllocs()
						t := busy(chunk)
						took := make([]time.Duration, 0, 1<<20)
						for b.Loop() {
							spend(between)
							start := time.Now()
							way.do(4*threads, &t)
							if len(took) < cap(took) {
								took = append(took, time.Since(start)-4*chunk)
							}
						}
						slices.Sort(took) // a shared machine makes the mean worthless
						b.ReportMetric(float64(took[len(took)/2]), "ns/median")
						b.ReportMetric(float64(took[len(took)/10]), "ns/p10")
						b.ReportMetric(float64(took[len(took)*99/100]), "ns/p99")
						b.ReportMetric(0, "ns/op")
					})
				}
			}
		}
	}
}
