package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// lengths meet every way through the loops of 16: none, all, and each number left.
var lengths = func() []int {
	var all []int
	for n := range 50 {
		all = append(all, n)
	}
	return append(all, 64, 100, 576, 1000)
}()

// operands are n elements of every kind: ordinary ones, large, small and subnormal ones, zeros; when wild, infinities and
// NaN too.
func operands(r *rand.Rand, n int, wild bool) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 0x1p-149, -0x1p-127, 1e-30, -1e30, math.MaxFloat32, 88.4, -88, -87.5, 127}
	if wild {
		special = append(special, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	}
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(8) {
		case 0:
			x[i] = special[r.IntN(len(special))]
		case 1:
			x[i] = float32(r.NormFloat64() * 100)
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// requireBits compares bits; any NaN equals any other.
func requireBits(t *testing.T, want, got []float32, msg string, args ...any) {
	t.Helper()
	require.Len(t, got, len(want), msg)
	for i := range want {
		if !sameBits(want[i], got[i]) {
			require.Failf(t, "not the same bits", "%s: element %d of %d: want %x, got %x", fmt.Sprintf(msg, args...), i, len(want), want[i], got[i])
		}
	}
}

// requireTiers runs op with each tier's kernels on a guarded copy of dst and requires the generic tier's bits. op must
// not write elsewhere.
func requireTiers(t *testing.T, name string, dst []float32, op func(k *tier, dst []float32)) {
	t.Helper()
	want := append([]float32(nil), dst...)
	op(&generic, want)
	for _, k := range available() {
		got, check := guarded(t, len(dst))
		copy(got, dst)
		op(k, got)
		requireBits(t, want, got, "%s, %s", name, k.id)
		check()
	}
}

func TestActivationsAreTheSameOnAllTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	for _, n := range lengths {
		for range 10 {
			x, up := operands(r, n, true), operands(r, n, true)
			requireTiers(t, "swiglu", x, func(k *tier, x []float32) { k.swiglu(x, up) })
			requireTiers(t, "geglu", x, func(k *tier, x []float32) { k.geglu(x, up) })
			requireTiers(t, "gelu", x, func(k *tier, x []float32) { k.gelu(x) })
		}
	}
}

func BenchmarkVectors(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x, y, fresh := make([]float32, 2048), random(r, 2048), random(r, 2048)
	for _, op := range []struct {
		name string
		run  func(k *tier)
	}{
		{"swiglu", func(k *tier) { k.swiglu(x, y) }},
		{"geglu", func(k *tier) { k.geglu(x, y) }},
	} {
		for _, k := range available() {
			b.Run(op.name+"/"+k.id.String(), func(b *testing.B) {
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					copy(x, fresh) // or gates would end as subnormal numbers, which are slow
					op.run(k)
				}
			})
		}
	}
}
