package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
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

func TestVectorsAreTheSameOnAllTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	for _, n := range lengths {
		for try := range 10 {
			wild := try%2 == 1
			x, y, w := operands(r, n, wild), operands(r, n, wild), operands(r, n, wild)
			f, g := operands(r, 1, wild)[0], operands(r, 1, wild)[0]
			sum := func(name string, op func(k *tier) float32) {
				t.Helper()
				requireTiers(t, name, []float32{0}, func(k *tier, dst []float32) { dst[0] = op(k) })
			}
			requireTiers(t, "add", x, func(k *tier, x []float32) { k.add(x, y) })
			requireTiers(t, "scale", x, func(k *tier, x []float32) { k.scale(x, f) })
			requireTiers(t, "addScaled", x, func(k *tier, x []float32) { k.addScaled(x, y, f) })
			requireTiers(t, "addSquares", append([]float32{0}, x...), func(k *tier, x []float32) { x[0] = k.addSquares(x[1:], y) })
			requireTiers(t, "weighted", x, func(k *tier, dst []float32) { k.weighted(dst, y, w, f) })
			requireTiers(t, "centred", x, func(k *tier, dst []float32) { k.centred(dst, y, w, f, g) })
			requireTiers(t, "expSum", append([]float32{0}, x...), func(k *tier, x []float32) { x[0] = k.expSum(x[1:], f) })
			sum("squares", func(k *tier) float32 { return k.squares(x) })
			sum("total", func(k *tier) float32 { return k.total(x) })
			sum("deviations", func(k *tier) float32 { return k.deviations(x, f) })
			if !wild {
				sum("peak", func(k *tier) float32 { return k.peak(x) + 0 }) // either zero may be the larger
			}
			half := n / 2
			requireTiers(t, "turnPairs", x, func(k *tier, x []float32) { k.turnPairs(x, y[:half], w[:half]) })
			requireTiers(t, "turnHalves", x, func(k *tier, x []float32) { k.turnHalves(x[:half], x[n-half:], y[:half], w[:half]) })
		}
	}
}

// TestVectorsAreTheSameEverywhere holds the generic tier's bits fixed: on other processors Go may fuse what is not meant
// to be.
func TestVectorsAreTheSameEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	k, sum := &generic, crc32.NewIEEE()
	note := func(x ...float32) {
		for _, v := range x {
			if v != v {
				v = float32(math.NaN())
			}
			require.NoError(t, binary.Write(sum, binary.LittleEndian, v))
		}
	}
	for range 30 {
		x, y, w := operands(r, 77, false), operands(r, 77, false), operands(r, 77, false)
		f := float32(r.NormFloat64())
		note(k.squares(x), k.total(x), k.deviations(x, f), k.peak(x)+0)
		for _, op := range []func(x []float32){
			func(x []float32) { k.add(x, y) },
			func(x []float32) { k.scale(x, f) },
			func(x []float32) { k.addScaled(x, y, f) },
			func(x []float32) { note(k.addSquares(x, y)) },
			func(x []float32) { k.weighted(x, y, w, f) },
			func(x []float32) { k.centred(x, y, w, f, f) },
			func(x []float32) { note(k.expSum(x, f)) },
			func(x []float32) { k.swiglu(x, y) },
			func(x []float32) { k.geglu(x, y) },
			func(x []float32) { k.gelu(x) },
			func(x []float32) { k.turnPairs(x, y[:38], w[:38]) },
			func(x []float32) { k.turnHalves(x[:38], x[38:76], y[:38], w[:38]) },
		} {
			result := append([]float32(nil), x...)
			op(result)
			note(result...)
		}
	}
	require.Equal(t, uint32(0xec3953b8), sum.Sum32())
}

func TestSumsMatchFloat64(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 38))
	x := random(r, 4001)
	var total, squares, deviations, exps float64
	for _, v := range x {
		v := float64(v)
		total, squares = total+v, squares+v*v
		deviations, exps = deviations+(v-0.25)*(v-0.25), exps+math.Exp(v-3)
	}
	require.InEpsilon(t, total, totalGeneric(x), 1e-5)
	require.InEpsilon(t, squares, squaresGeneric(x), 1e-6)
	require.InEpsilon(t, deviations, deviationsGeneric(x, 0.25), 1e-6)
	require.InEpsilon(t, exps, expSumGeneric(x, 3), 1e-6)
	require.Equal(t, float32(math.Inf(-1)), peakGeneric(nil))
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
		{"squares", func(k *tier) { k.squares(x) }},
		{"weighted", func(k *tier) { k.weighted(x, y, y, 0.1) }},
		{"softmax", func(k *tier) { k.expSum(x, k.peak(x)) }},
		{"turnPairs", func(k *tier) { k.turnPairs(x, y[:1024], y[1024:]) }},
		{"turnHalves", func(k *tier) { k.turnHalves(x[:1024], x[1024:], y[:1024], y[1024:]) }},
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
