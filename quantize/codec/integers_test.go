package codec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestIntegersAreTheWeights: what Split gives is what Decode gives, for random blocks of every type.
func TestIntegersAreTheWeights(t *testing.T) {
	for _, typ := range fileTypes() {
		f, ok := IntegersOf(typ)
		if typ == gguf.F32 || typ == gguf.F16 || typ == gguf.BF16 {
			require.False(t, ok)
			continue
		}
		require.True(t, ok, typ.String())
		t.Run(typ.String(), func(t *testing.T) {
			c, _ := For(typ)
			r := rand.New(rand.NewPCG(7, uint64(typ)))
			want := make([]float32, typ.BlockSize())
			factor := f.Factor
			if factor == 0 {
				factor = 1
			}
			for range 200 {
				block := randomBlocks(r, typ, 1)
				c.Decode(want, block)
				var p Parts
				f.Split(&p, block)
				for i, w := range want {
					code := int(p.Codes[i])
					require.Less(t, code, 1<<f.Bits)
					level := code - f.Offset
					if f.Levels != nil {
						level = int(f.Levels[code])
					}
					sub := i / f.Sub
					got := float64(p.D[sub])*float64(level) + float64(p.Min[sub])
					if f.Scaled {
						require.LessOrEqual(t, max(level*int(p.Scales[sub]), -level*int(p.Scales[sub])), 4096)
						got = float64(p.D[0])*float64(int(p.Scales[sub])*level) - float64(p.Min[0])*float64(p.Minima[sub])
					}

					if f.Factor != 0 {
						got *= float64(factor)
					}
					require.InDelta(t, w, got, 1e-5*math.Abs(float64(w))+1e-6*math.Abs(float64(p.D[0])*4096), "element %d", i)
				}
				if f.BF16Scales {
					require.Equal(t, p.D[0], BF16ToF32(F32ToBF16(p.D[0])))
				} else {
					require.Equal(t, p.D[0], F16ToF32(F32ToF16(p.D[0])))
				}
			}
		})
	}
}
