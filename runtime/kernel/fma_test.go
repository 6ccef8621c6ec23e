package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactFMA is fma32 by its definition.
func exactFMA(a, b, c float32) float32 {
	number := func(x float32) *big.Float { return new(big.Float).SetPrec(1200).SetFloat64(float64(x)) }
	sum := number(a)
	sum.Mul(sum, number(b)).Add(sum, number(c))
	if sum.Sign() == 0 {
		return float32(float64(a)*float64(b)) + c // of the signs of zeros, which big.Float adds otherwise
	}
	result, _ := sum.Float32()
	return result
}

// sameBits reports whether two results are one: any NaN equals any other.
func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// fmaCases are operands whose sums meet each way of rounding: ties and what lies next to them, subnormal results, zeros,
// cancellation, overflow; the rest is random bits.
func fmaCases(r *rand.Rand, n int) [][3]float32 {
	const tiny, eps, big = 0x1p-149, 0x1p-23, math.MaxFloat32
	negZero := float32(math.Copysign(0, -1))
	cases := [][3]float32{
		{1, 1, eps / 2}, {1, 1 + eps, eps / 2}, {1 + eps, 1 + eps, 1}, {1 + eps, 1 - eps, -1},
		{1 + eps, 0x1p-24, 1}, {1 - eps, 0x1p-24, 1}, {1 - eps, 0x1p-24, 1 + eps}, {-1 - eps, 0x1p-24, 1 + eps},
		{0x1p-75, 0x1p-75, 0}, {0x1p-75, 0x1p-75, tiny}, {0x1p-75, 0x1p-75 + 0x1p-98, 0}, {0x1p-75, 0x1p-75 - 0x1p-99, 0},
		{tiny, tiny, 0}, {tiny, tiny, tiny}, {tiny, -tiny, tiny}, {tiny, 0.5, 0}, {tiny, 0.5, tiny}, {tiny, 1.5, tiny},
		{tiny, -tiny, 0}, {tiny, tiny, negZero}, {0, -1, 0}, {0, -1, negZero}, {3, 5, -15}, {-3, 5, 15},
		{0x1p-126, 1, -tiny}, {0x1p-126, 1 - eps/2, 0}, {0x1p-126, 1 - eps/2, -0x1p-150}, {0x1p-63, 0x1p-64, 0x1p-127},
		{big, 1, big}, {big, 2, -big}, {big, big, big}, {big, 1, 0x1p103}, {big, 1, 0x1.fffffep102}, {big, big, -big},
	}
	bits := func() float32 {
		for {
			if x := math.Float32frombits(r.Uint32()); x-x == 0 {
				return x
			}
		}
	}
	for len(cases) < n {
		a, b, c := bits(), bits(), bits()
		switch r.IntN(4) {
		case 0: // c of about the product's size
			c = float32(float64(a) * float64(b) * (r.Float64()*4 - 2))
		case 1: // c a little above or below 2^24 times the product: sums half-way, or nearly
			c = float32(math.Ldexp(1+float64(r.IntN(8))*eps, r.IntN(250)-125))
			a = float32(math.Ldexp(1+float64(r.IntN(3)-1)*eps, r.IntN(60)-30))
			b = float32(float64(c)*0x1p-24) / a
		case 2: // subnormal results
			a, b = float32(math.Ldexp(r.Float64(), -r.IntN(80))), float32(math.Ldexp(r.Float64(), -r.IntN(80)))
			b *= 0x1p-60
			c = float32(r.IntN(64)-32) * tiny
		}
		if a-a == 0 && b-b == 0 && c-c == 0 {
			cases = append(cases, [3]float32{a, b, c})
		}
	}
	return cases
}

func TestFMARoundsOnce(t *testing.T) {
	slow := 0
	for _, c := range fmaCases(rand.New(rand.NewPCG(21, 22)), 50000) {
		want, got := exactFMA(c[0], c[1], c[2]), fma32(c[0], c[1], c[2])
		if !sameBits(want, got) || !sameBits(want, fmaPlain(c[0], c[1], c[2])) {
			require.Failf(t, "not the same bits", "%x * %x + %x: want %x, got %x", c[0], c[1], c[2], want, got)
		}
		if got != float32(float64(c[0])*float64(c[1])+float64(c[2])) {
			slow++
		}
	}
	require.Greater(t, slow, 70, "cases that rounding twice gets wrong")
}

func TestFMAOfWhatIsNotFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct{ a, b, c, want float32 }{
		{inf, 1, 5, inf}, {inf, -1, 5, -inf}, {2, 3, -inf, -inf}, {inf, 0, 1, nan}, {inf, 1, -inf, nan}, {nan, 1, 1, nan}, {1, 1, nan, nan},
		{math.MaxFloat32, math.MaxFloat32, -inf, -inf},
	} {
		require.True(t, sameBits(c.want, fma32(c.a, c.b, c.c)), "%v", c)
	}
}

func FuzzFMA(f *testing.F) {
	for _, c := range fmaCases(rand.New(rand.NewPCG(1, 1)), 60) {
		f.Add(math.Float32bits(c[0]), math.Float32bits(c[1]), math.Float32bits(c[2]))
	}
	f.Fuzz(func(t *testing.T, x, y, z uint32) {
		a, b, c := math.Float32frombits(x), math.Float32frombits(y), math.Float32frombits(z)
		if a-a != 0 || b-b != 0 || c-c != 0 {
			return
		}
		require.True(t, sameBits(exactFMA(a, b, c), fma32(a, b, c)), "%x * %x + %x", a, b, c)
	})
}

func BenchmarkFMA(b *testing.B) {
	x := random(rand.New(rand.NewPCG(1, 1)), 4096)
	var sum float32
	for b.Loop() {
		for _, v := range x {
			sum = fma32(v, 0.5, sum)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/fma")
	_ = sum
}
