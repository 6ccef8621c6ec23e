package kernel

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestScratch: buffers of one chunk do not overlap, are aligned, and are the same memory for the next chunk.
func TestScratch(t *testing.T) {
	var s Scratch
	var before *float32
	for round := range 6 {
		s.Reset()
		f, b, i, h, e := s.Floats(100), s.Bytes(7), s.Int32s(33), s.Int16s(3), s.Int8s(1000)
		require.Nil(t, s.Floats(0))
		require.Equal(t, []int{100, 7, 33, 3, 1000}, []int{len(f), len(b), len(i), len(h), len(e)})
		require.Equal(t, []int{100, 7, 33, 3, 1000}, []int{cap(f), cap(b), cap(i), cap(h), cap(e)}, "append would write into the next")
		for _, at := range []unsafe.Pointer{unsafe.Pointer(&f[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&i[0]), unsafe.Pointer(&h[0]), unsafe.Pointer(&e[0])} {
			require.Zero(t, uintptr(at)%64)
		}
		fill(f, 1)
		fill(b, 2)
		fill(i, 3)
		fill(h, 4)
		fill(e, 5)
		require.Equal(t, []float32{1, 1}, []float32{f[0], f[99]})
		require.Equal(t, []byte{2, 2}, []byte{b[0], b[6]})
		require.Equal(t, []int32{3, 3}, []int32{i[0], i[32]})
		require.Equal(t, []int16{4, 4}, []int16{h[0], h[2]})
		if round > 3 {
			require.Same(t, before, &f[0])
		}
		before = &f[0]
	}
	require.GreaterOrEqual(t, s.size(), int64(400+7+132+6+1000))
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}
