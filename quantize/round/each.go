package round

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// each calls f for 0..n-1 from several goroutines; the calls must not depend on each other.
func each(n int, f func(i int)) {
	const step = 16
	threads := min(runtime.GOMAXPROCS(0), (n+step-1)/step)
	if threads < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range threads {
		wg.Go(func() {
			for {
				i := int(next.Add(step)) - step
				if i >= n {
					return
				}
				for j := i; j < min(n, i+step); j++ {
					f(j)
				}
			}
		})
	}
	wg.Wait()
}
