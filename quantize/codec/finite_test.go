package codec

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// TestFinite puts the largest number, infinities and NaN at every place of slices of every length.
func TestFinite(t *testing.T) {
	for typ, c := range map[gguf.Type]struct {
		largest uint64   // of what is finite
		signs   []uint64 // without and with
	}{
		gguf.F16:  {0x7bff, []uint64{0, 0x8000}},
		gguf.BF16: {0x7f7f, []uint64{0, 0x8000}},
		gguf.F32:  {0x7f7fffff, []uint64{0, 0x80000000}},
	} {
		size := typ.BlockBytes()
		put := func(b []byte, v uint64) {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], v)
			copy(b[:size], word[:])
		}
		for _, tier := range cpu.Available() {
			t.Run(typ.String()+"/"+tier.String(), func(t *testing.T) {
				defer cpu.Force(tier)()
				r := rand.New(rand.NewPCG(1, 1))
				require.True(t, Finite(typ, nil))
				for _, n := range []int{1, 2, 31, 32, 63, 127, 128, 129, 300, 515} {
					src := make([]byte, n*size)
					for i := range n {
						put(src[i*size:], r.Uint64()%(c.largest+1)|c.signs[r.IntN(2)])
					}
					require.True(t, Finite(typ, src))
					for i := range n {
						at := src[i*size:]
						was := [8]byte{}
						copy(was[:], at[:size])
						for _, sign := range c.signs {
							put(at, c.largest|sign)
							require.True(t, Finite(typ, src), "%d of %d", i, n)
							for _, bad := range []uint64{1, 2, 99} { // infinity, NaN
								put(at, c.largest+bad|sign)
								require.False(t, Finite(typ, src), "%d of %d", i, n)
							}
						}
						copy(at[:size], was[:])
					}
				}
			})
		}
	}
}

func BenchmarkFinite(b *testing.B) {
	src := make([]byte, 1<<18)
	for _, tier := range cpu.Available() {
		b.Run(tier.String(), func(b *testing.B) {
			defer cpu.Force(tier)()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Finite(gguf.F16, src)
			}
		})
	}
}
