package arch

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLlama3FactorsAreTorchs: the digests are those of the reference's loop run by PyTorch 2.15 with AVX-512. In the
// rows marked with pow a power rounded once gives other factors, in those marked with block PyTorch's own with AVX2.
func TestLlama3FactorsAreTorchs(t *testing.T) {
	for _, c := range []struct {
		theta             float64
		head              int64
		factor, low, high float64
		original          int64
		want              string
	}{
		{500000, 128, 8, 1, 4, 8192, "8b516af9cb5db26ed32831eb6f493dd620843d1cd69ca7bbad760c76061cd565"},
		{500000, 64, 32, 1, 4, 8192, "d25a6d176d9313062b8f86440c88649f9e568d573ea66bfa4e85e2424cf35633"},
		{500000, 96, 8, 1, 4, 8192, "251b953ad11d91199abebf82b20a845d37a245f5a2817a0e64dc190454c5c5ac"},
		{10000, 32, 32, 1, 4, 64, "1e4b859e56daf5754afcc4ff390fd60e3fa6b7bea7066a17b1d9da31c9585166"},
		{10000, 32, 32, 1, 32, 256, "753c2a3173494b5c5e05347285af56b42531232342d026ab48ec758dfd54b1a3"},
		{10000, 96, 8, 1, 32, 8192, "e78fe6e8faabdee5fe96c36f7a0d91d782889b71b37b2b94c7a6c958573edc5b"},     // pow
		{500000, 96, 8, 1, 32, 8192, "6d631cd4f375c8dbfb78dcf7857c6bef13e5c036b709c84f505e04be4eac6abc"},    // pow
		{1000000, 128, 8, 1, 32, 32768, "75a7a34a4a752e6d2d9bea83f141caa25aa72210d4755e00f63ed06c7221b661"}, // pow
		{10000000, 80, 16, 1, 32, 256, "55057e249b69a6f6f89c942935ea35cdb364099f836864b7d47ef407881a5eaf"},
		{150000, 192, 32, 1, 32, 32768, "7d723ba967736b71e7e65c25cefa9cccfc2c0f8cbe8cf41549bb75741b5b331a"}, // pow
		{5000000, 256, 4, 1, 32, 4096, "ef5da5ebf19a20247eb6769c8ac53a7df439dd50a69e30935b4dd95715f57827"},
		{12345.678, 96, 8, 1, 32, 8192, "8915f5f8c9ff90d0c2b9495296a04f1942bd13bd1497b6ecf2b28f18d4f786b0"}, // pow
		{150000, 96, 8, 1, 4, 32768, "117ffbe63e4ecce81cfbd87f8d47054f06871ab6461ab38d9474af118ea7fcb2"},    // block
		{500000, 16, 8, 1, 4, 64, "57ff17b2f9eafc5d5d2eec41368e906cc9357958e5572017f9753fdfda685dbb"},
		{10000, 48, 2.5, 1, 32, 8192, "1e8d57d0e454be4bfa4eb8c3c6c25844517e037c4aa7c04eaf6855121d009f9e"}, // block
	} {
		params := &Config{values: map[string]any{"factor": c.factor, "low_freq_factor": c.low, "high_freq_factor": c.high}}
		r := rope{kind: "llama3", theta: c.theta, original: c.original, params: params}
		data, err := binary.Append(nil, binary.LittleEndian, r.llama3Factors(c.head)[0].Values)
		require.NoError(t, err)
		require.Equal(t, c.want, fmt.Sprintf("%x", sha256.Sum256(data)), "theta %v, head %d", c.theta, c.head)
	}
}

// TestTorchPowBases: bases that SLEEF's method is not for.
func TestTorchPowBases(t *testing.T) {
	zeros := make([]float32, 32)
	for base, want := range map[float64]float32{1: 1, 0x1p-140: 1, 1e300: 1} {
		for _, v := range torchPow(base, zeros) {
			require.Equal(t, want, v, base)
		}
	}
}

// TestFMA32 compares with arithmetic without rounding where two roundings go wrong: the product is often the middle
// of two float32, and what is added too small to be seen in float64.
func TestFMA32(t *testing.T) {
	require.Equal(t, float32(1+0x1p-11), fma32(1+0x1p-12, 1+0x1p-12, -0x1p-70))
	require.Equal(t, float32(1+0x1p-11+0x1p-23), fma32(1+0x1p-12, 1+0x1p-12, 0x1p-70))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		a, b := 1+float32(rng.IntN(1<<13))/(1<<12), 1+float32(rng.IntN(1<<13))/(1<<12)
		c := float32(math.Ldexp(rng.Float64()-0.5, -rng.IntN(80)))
		if rng.IntN(2) == 0 {
			a = -a
		}
		exact := new(big.Float).SetPrec(300).Mul(big.NewFloat(float64(a)), big.NewFloat(float64(b)))
		want, _ := exact.Add(exact, big.NewFloat(float64(c))).Float32()
		require.Equal(t, want, fma32(a, b, c), "%v * %v + %v", a, b, c)
	}
}
