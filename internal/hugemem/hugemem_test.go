package hugemem

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBytes(t *testing.T) {
	for _, n := range []int{0, 1, Least - 1, Least, Least + 12345} {
		owner := new([16]int)
		b := Bytes(owner, n)
		require.Len(t, b, n)
		for _, i := range []int{0, n / 2, n - 1} {
			if i >= 0 && i < n && b[i] != 7 {
				require.Zero(t, b[i])
				b[i] = 7
			}
		}
		runtime.GC()
		if n > 0 {
			require.Equal(t, byte(7), b[0])
		}
		runtime.KeepAlive(owner)
	}
}
