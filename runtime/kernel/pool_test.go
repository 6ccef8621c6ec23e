package kernel

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPoolPanics: a worker's panic is the caller's, once no worker runs any more.
func TestPoolPanics(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := NewPool(threads)
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
