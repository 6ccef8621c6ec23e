package softmax

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// eachTier runs a test on every tier of this machine.
func eachTier(t *testing.T, test func(t *testing.T)) {
	for _, tier := range cpu.Available() {
		t.Run(tier.String(), func(t *testing.T) {
			defer cpu.Force(tier)()
			test(t)
		})
	}
}

// row is n logits, spread as a model's are, the first of them the largest.
func row(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 5))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.Float64()+r.Float64()+r.Float64()+r.Float64()-4) * 8
	}
	if n > 0 {
		x[0] = 1
	}
	return x
}

func TestExp(t *testing.T) {
	require.Equal(t, 1.0, exp(0))
	require.Zero(t, exp(math.Inf(-1)))
	require.Zero(t, exp(-701))
	require.True(t, math.IsNaN(exp(math.NaN())))
	worst := 0.0
	for i := range 200000 {
		x := -float64(i) * 0.0034999
		worst = math.Max(worst, math.Abs(exp(x)/math.Exp(x)-1))
	}
	for x := -1e-20; x > -700; x *= 1.01 {
		worst = math.Max(worst, math.Abs(exp(x)/math.Exp(x)-1))
	}
	require.Less(t, worst, 5e-16, "math.Exp is not exact either")
	t.Logf("largest relative difference from math.Exp: %.2g", worst)
}

// TestLanes compares each tier with the sums by hand: lane i%8 takes element i.
func TestLanes(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for n := range 70 {
			for _, special := range []float32{1, inf, nan, -699.5, -700.5, 0.99999994} {
				p, q := row(n, uint64(n)), row(n, uint64(n)+100)
				if n > 3 {
					p[n/3], q[n/3], q[n-1] = special, special, special
				}
				var sums, divergences lanes
				want, got := make([]float64, n), make([]float64, n)
				for i, v := range p {
					want[i] = exp(float64(v) - 1)
					sums[i%8] += want[i]
					if want[i] > 1e-3 {
						divergences[i%8] += float64(want[i] * (float64(v) - float64(q[i]) + 0.75))
					}
				}
				what := fmt.Sprintf("%d elements, %v among them", n, special)
				sum := sums.join()
				same(t, []float64{sum, sum}, []float64{Sum(p, 1), Exp(got, p, 1)}, what)
				same(t, want, got, what)
				same(t, []float64{divergences.join()}, []float64{Divergence(got, p, q, 0.75, 1e-3)}, what)
			}
		}
	})
}

// same compares bits, but for which NaN a NaN is.
func same(t *testing.T, want, got []float64, what string) {
	t.Helper()
	for i := range want {
		if math.IsNaN(want[i]) {
			require.True(t, math.IsNaN(got[i]), what)
			continue
		}
		require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "%s: %v, not %v at %d", what, got[i], want[i], i)
	}
}

// TestSameEverywhere holds the bits fixed, for other processors.
func TestSameEverywhere(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		sum := crc32.NewIEEE()
		for n := 1; n < 3000; n += 37 {
			p, q := row(n, uint64(n)), row(n, uint64(n)+1)
			e := make([]float64, n)
			figures := []float64{Exp(e, p, 1), Divergence(e, p, q, 0, 0), LogSumExp(q, 1)}
			require.NoError(t, binary.Write(sum, binary.LittleEndian, append(figures, e...)))
		}
		require.Equal(t, uint32(0x62117f19), sum.Sum32())
	})
}

func TestEnds(t *testing.T) {
	inf := float32(math.Inf(-1))
	eachTier(t, func(t *testing.T) {
		p := row(1000, 1)
		e := make([]float64, len(p))
		Exp(e, p, 1)
		require.Zero(t, Divergence(e, p, p, 0, 0), "equal rows")
		q := append([]float32{}, p...)
		p[500], q[500] = inf, inf
		Exp(e, p, 1)
		require.Zero(t, Divergence(e, p, q, 0, 0), "what neither can say")
		q[501] = inf
		require.True(t, math.IsInf(Divergence(e, p, q, 0, 0), 1), "what only the reference can say")
		require.True(t, math.IsNaN(Sum([]float32{inf, inf}, inf)), "no token has a probability")
		require.InDelta(t, math.Log(1+2*math.Exp(-2))+3, LogSumExp([]float32{1, 3, inf, 1}, 3), 1e-15)
	})
}

func TestAbove(t *testing.T) {
	nan := float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for n := range 140 {
			x := make([]float32, n)
			require.Equal(t, n, Above(x, 0), "equal is not above")
			for at := range n {
				clear(x)
				x[at], x[n-1] = nan, nan
				require.Equal(t, n, Above(x, 0))
				require.Equal(t, n, Above(x, nan))
				x[n-1], x[at] = 2, 1
				require.Equal(t, at, Above(x, 0.5))
			}
		}
	})
}

func TestTop(t *testing.T) {
	inf := float32(math.Inf(-1))
	far := make([]float32, 200)
	far[1], far[150], far[199] = 1, 2, 2
	eachTier(t, func(t *testing.T) {
		for _, c := range []struct {
			x    []float32
			want int
		}{{far, 150}, {far[:150], 1}, {[]float32{inf, 3, 3, 1}, 1}, {[]float32{inf, inf}, 0}} {
			require.Equal(t, c.want, Top(c.x))
		}
	})
}

// Benchmark measures a vocabulary of 49152 tokens.
func Benchmark(b *testing.B) {
	const vocab = 49152
	p, q, e := row(vocab, 1), row(vocab, 2), make([]float64, vocab)
	for _, f := range []struct {
		name string
		call func()
	}{
		{"Sum", func() { Sum(q, 1) }},
		{"Exp", func() { Exp(e, p, 1) }},
		{"Divergence", func() { Divergence(e, p, q, 0, 0) }},
		{"Above", func() { Above(p, 1) }},
	} {
		for _, tier := range cpu.Available() {
			b.Run(f.name+"/"+tier.String(), func(b *testing.B) {
				defer cpu.Force(tier)()
				b.SetBytes(4 * vocab)
				for b.Loop() {
					f.call()
				}
			})
		}
	}
}
