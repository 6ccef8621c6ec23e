package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// halves are the offsets of float16 fields in a block, which random bytes would make NaN or huge.
var halves = map[gguf.Type][]int{
	gguf.F16: {0}, gguf.BF16: {0}, gguf.F32: {2}, gguf.Q4_0: {0}, gguf.Q4_1: {0, 2}, gguf.Q5_0: {0}, gguf.Q5_1: {0, 2},
	gguf.Q8_0: {0}, gguf.IQ4_NL: {0}, gguf.Q4_K: {0, 2}, gguf.Q5_K: {0, 2}, gguf.Q6_K: {208},
}

// TestDecodersMatchCodec: random blocks decode to the codec's bits, for every number of blocks.
func TestDecodersMatchCodec(t *testing.T) {
	everyTier(t, func(t *testing.T, k *tier) {
		for typ, decode := range k.decode {
			t.Run(typ.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(13, uint64(typ)))
				c, ok := codec.For(typ)
				if !ok {
					t.Skip("the codec does not decode this type")
				}
				for _, blocks := range []int{0, 1, 2, 3, 7, 8, 9, 21} {
					src := make([]byte, blocks*typ.BlockBytes())
					for i := range src {
						src[i] = byte(r.Uint32())
					}
					for b := range blocks {
						for _, at := range halves[typ] {
							src[b*typ.BlockBytes()+at+1] = byte(r.Uint32()) & 0xbb // exponents below the largest
						}
					}
					want := make([]float32, blocks*typ.BlockSize())
					c.Decode(want, src)
					got, check := guarded(t, len(want))
					decode(got, src)
					require.Equal(t, want, got, "%d blocks", blocks)
					check()
				}
			})
		}
	})
}
