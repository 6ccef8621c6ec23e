package codec

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// elements draw finite values that encoders meet, or that lead them to their rare paths.
var elements = map[string]func(r *rand.Rand, i int) float32{
	"gauss":    func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 0.03) },
	"heavy":    func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() / (1e-3 + r.Float64())) },
	"uniform":  func(r *rand.Rand, _ int) float32 { return r.Float32() - 0.5 },
	"positive": func(r *rand.Rand, _ int) float32 { return 0.5 + r.Float32() },
	"negative": func(r *rand.Rand, _ int) float32 { return -3 - r.Float32()*1e-3 },
	"scales":   func(r *rand.Rand, i int) float32 { return float32(math.Ldexp(r.NormFloat64(), i/16*7%25-12)) },
	"wide":     func(r *rand.Rand, _ int) float32 { return float32(math.Ldexp(r.NormFloat64(), r.IntN(200)-100)) },
	"powers": func(r *rand.Rand, _ int) float32 {
		return math.Float32frombits((r.Uint32N(4)+200)<<23 - r.Uint32N(40) | r.Uint32()<<31)
	},
	"integers":  func(r *rand.Rand, _ int) float32 { return float32(r.IntN(9) - 4) },
	"signs":     func(r *rand.Rand, _ int) float32 { return float32(r.IntN(2)*2-1) * 0.75 },
	"ternary":   func(r *rand.Rand, _ int) float32 { return float32(r.IntN(3)-1) * 0.375 },
	"constant":  func(*rand.Rand, int) float32 { return -0.5 },
	"steps":     func(_ *rand.Rand, i int) float32 { return float32(i/32%5) - 2 },
	"ramp":      func(_ *rand.Rand, i int) float32 { return float32(i%256-128) * 0x1p-10 },
	"zero":      func(*rand.Rand, int) float32 { return 0 },
	"zeros":     func(r *rand.Rand, _ int) float32 { return float32(math.Copysign(0, r.Float64()-0.5)) },
	"sparse":    func(r *rand.Rand, i int) float32 { return float32(r.NormFloat64()) * float32(i/16%2) },
	"lonely":    func(r *rand.Rand, i int) float32 { return float32(r.NormFloat64()) * float32(1-min(1, i%23)) },
	"half zero": func(r *rand.Rand, _ int) float32 { return max(0, float32(r.NormFloat64())) },
	"subnormal": func(r *rand.Rand, _ int) float32 { return math.Float32frombits(r.Uint32N(1<<23) | r.Uint32()<<31) },
	"tiny":      func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64()) * 0x1p-110 },
	"small":     func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 2e-15) },
	"at f16":    func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 0x1p-22) },
	"large":     func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64()) * 60000 },
	"huge":      func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64()) * 0x1p60 },
	"largest":   func(r *rand.Rand, _ int) float32 { return (r.Float32() - 0.5) * 2 * math.MaxFloat32 },
	"bits":      func(r *rand.Rand, _ int) float32 { return math.Float32frombits(r.Uint32() &^ (1 << 23)) },
}

// importances draw weights of columns.
var importances = map[string]func(r *rand.Rand, i int) float32{
	"none":    nil,
	"even":    func(*rand.Rand, int) float32 { return 1 },
	"uniform": func(r *rand.Rand, _ int) float32 { return r.Float32() },
	"uneven":  func(r *rand.Rand, _ int) float32 { return float32(math.Exp(4 * r.NormFloat64())) },
	"holes":   func(r *rand.Rand, _ int) float32 { return r.Float32() * float32(r.IntN(2)) },
	"blocks":  func(r *rand.Rand, i int) float32 { return r.Float32() * float32(i/16%2) },
	"zero":    func(*rand.Rand, int) float32 { return 0 },
	"tiny":    func(r *rand.Rand, _ int) float32 { return r.Float32() * 0x1p-130 },
	"huge":    func(r *rand.Rand, _ int) float32 { return r.Float32() * 0x1p90 },
}

// draw fills a slice; nil for no function.
func draw(r *rand.Rand, n int, f func(r *rand.Rand, i int) float32) []float32 {
	if f == nil {
		return nil
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = f(r, i)
	}
	return x
}

// nativeTypes are those that have an encoder with assembly in some tier of this processor.
func nativeTypes() []gguf.Type {
	types := map[gguf.Type]bool{}
	for _, tier := range cpu.Available() {
		for typ := range nativeEncoders[tier] {
			types[typ] = true
		}
	}
	return slices.Sorted(maps.Keys(types))
}

// requireEncodes encodes x with all tiers between canaries and compares with the generic code.
func requireEncodes(t *testing.T, typ gguf.Type, x []float32, cols int, weights []float32, msg string) {
	t.Helper()
	c, ok := For(typ)
	require.True(t, ok)
	encode := func(tier cpu.Tier, dst []byte) {
		defer cpu.Force(tier)()
		c.Encode(dst, x, cols, weights)
	}
	want := make([]byte, len(x)/typ.BlockSize()*typ.BlockBytes())
	encode(cpu.Generic, want)
	const margin, canary = 64, 0xa5
	was := slices.Clone(x)
	for _, tier := range cpu.Available() {
		if nativeEncoders[tier][typ] == nil {
			continue // it has that of another tier
		}
		all := slices.Repeat([]byte{canary}, len(want)+2*margin)
		got := all[margin : margin+len(want) : margin+len(want)]
		encode(tier, got)
		for i := range want {
			if want[i] != got[i] {
				b := i / typ.BlockBytes()
				n := typ.BlockSize()
				require.Failf(t, "not the bytes of the generic code", "%s, %s: byte %d of block %d of %d: want %x, got %x; elements %x", tier, msg, i%typ.BlockBytes(), b, len(x)/n,
					want[b*typ.BlockBytes():][:typ.BlockBytes()], got[b*typ.BlockBytes():][:typ.BlockBytes()], x[b*n:][:n])
			}
		}
		requireBits(t, was, x, msg+": what is encoded changed")
		for i := range margin {
			require.Equal(t, byte(canary), all[i], "written before the buffer")
			require.Equal(t, byte(canary), all[margin+len(want)+i], "written behind the buffer")
		}
	}
}

// TestEncodersMatchGeneric: the bytes are those of the generic code for every kind of values and weights, and for every
// number of blocks around that of a vector's lanes.
func TestEncodersMatchGeneric(t *testing.T) {
	for _, typ := range nativeTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(17, uint64(typ)))
			size := typ.BlockSize()
			for weighed, weight := range importances {
				for name, element := range elements {
					blocks := 1 + r.IntN(10)
					x := draw(r, 2*blocks*size, element)
					requireEncodes(t, typ, x, blocks*size, draw(r, blocks*size, weight), fmt.Sprintf("%s with weights %s, %d blocks a row", name, weighed, blocks))
				}
			}
			for blocks := range 36 {
				x := draw(r, blocks*size, elements["gauss"])
				requireEncodes(t, typ, x, blocks*size, draw(r, blocks*size, importances[[]string{"none", "uneven"}[blocks%2]]), fmt.Sprintf("%d blocks", blocks))
			}
			names := slices.Sorted(maps.Keys(elements))
			for n := range 8 { // values of each kind beside others
				kinds := draw(r, 48, func(r *rand.Rand, _ int) float32 { return float32(r.IntN(len(names))) })
				x := draw(r, 48*size, func(r *rand.Rand, i int) float32 { return elements[names[int(kinds[i/size])]](r, i) })
				requireEncodes(t, typ, x, 12*size, draw(r, 12*size, importances[[]string{"none", "uneven"}[n%2]]), "a mixture")
			}
		})
	}
}

// TestHalvesOfAnyFloat: the float types keep infinities and NaN, as the generic code does, wherever they stand.
func TestHalvesOfAnyFloat(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16} {
		for n := range 99 {
			x := draw(r, n, func(r *rand.Rand, i int) float32 {
				if r.IntN(8) == 0 {
					return math.Float32frombits(0x7f800000 | r.Uint32()&0x807fffff | r.Uint32N(2))
				}
				return math.Float32frombits(r.Uint32() &^ (1 << 30))
			})
			requireEncodes(t, typ, x, n, nil, fmt.Sprintf("%d values", n))
		}
	}
}

// FuzzEncoders compares the encoders of all tiers on arbitrary finite values, weights being their magnitudes.
func FuzzEncoders(f *testing.F) {
	f.Add(uint8(0), []byte{0, 0, 0x80, 0x3f, 1, 0, 0, 0, 0xff, 0xff, 0x7f, 0x7f, 3})
	f.Add(uint8(9), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x3e, 7})
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		types := nativeTypes()
		if len(b) < 4 || len(types) == 0 {
			return
		}
		typ := types[int(kind)%len(types)]
		size := typ.BlockSize()
		x := draw(nil, 18*size, func(_ *rand.Rand, i int) float32 {
			at := i * 4 % (len(b) - 3)
			v := math.Float32frombits(uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16 | uint32(b[at+3])<<24)
			if abs(v) <= math.MaxFloat32 {
				return v
			}
			return float32(b[at])
		})
		w := draw(nil, 3*size, func(_ *rand.Rand, i int) float32 { return abs(x[i+i/7]) })
		requireEncodes(t, typ, x, 3*size, nil, typ.String())
		requireEncodes(t, typ, x, 3*size, w, typ.String()+" with weights")
	})
}

// BenchmarkEncoders reports MB/s of float32 encoded, for every type and tier, without and with weights.
func BenchmarkEncoders(b *testing.B) {
	const rows, cols = 16, 2048
	x, w := matrix(1, "gauss", rows, cols)
	for _, typ := range fileTypes() {
		c, _ := For(typ)
		dst := make([]byte, typ.RowBytes(rows*cols))
		for name, weights := range map[string][]float32{"plain": nil, "weighed": w} {
			if weights != nil && c.IgnoresWeights {
				continue
			}
			for _, tier := range cpu.Available() {
				b.Run(typ.String()+"/"+name+"/"+tier.String(), func(b *testing.B) {
					defer cpu.Force(tier)()
					b.SetBytes(4 * rows * cols)
					for b.Loop() {
						c.Encode(dst, x, cols, weights)
					}
				})
			}
		}
	}
}
