package codec

import (
	"math"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestExponent: where float32 has no number between log2(v) and the next integer, the reference rounds up.
func TestExponent(t *testing.T) {
	below := func(v float32) float32 { return math.Nextafter32(v, 0) }
	for _, c := range []struct {
		v    float32
		want int32
	}{{1, 0}, {below(1), -1}, {below(2), 0}, {4, 2}, {below(4), 1}, {below(8), 3}, {0x1.fffffcp-1, -1}, {0x1.ffff7ep7, 7},
		{below(0x1p100), 100}, {0x1p-126, -126}, {below(0x1p-126), -126}, {0x1.8p-130, -130}, {0x1p-149, -149}} {
		require.Equal(t, c.want, exponent(c.v), "%x", c.v)
	}
}

func TestUE4M3(t *testing.T) {
	for i := range uint8(0x78) {
		v := 2 * ue4m3[i]
		require.Equal(t, i, toUE4M3(v), "%v", v)
		next := 2 * ue4m3[i+1]
		if i != 7 { // the largest without the leading 1
			require.Equal(t, i+1, min(toUE4M3((v+next)/2), 0x78), "halves go up from %v", v)
		}
		if i > 0 { // adding a half to just less than a half gives 1
			require.Equal(t, i, toUE4M3(math.Nextafter32((v+next)/2, 0)), "below the half above %v", v)
		}
	}
	for _, v := range []float32{248, 256, 448, 1e30} {
		require.Equal(t, uint8(0x7e), toUE4M3(v), "%v", v)
	}
	require.Equal(t, uint8(0), toUE4M3(0))
	require.Zero(t, ue4m3[0x7f])
}

// TestFP4Code compares counting borders with trying all values in order.
func TestFP4Code(t *testing.T) {
	for _, d := range []float32{1, 1.125, 0.46875, 0x1p-128, 0x1p100} {
		var borders fp4Borders
		borders.set(d)
		try := func(v float32) {
			best := 0
			for i, q := range fp4Values {
				if abs(float32(q*d)-v) < abs(float32(fp4Values[best]*d)-v) {
					best = i
				}
			}
			require.Equal(t, uint8(best), borders.code(v), "%v of scale %v", v, d)
		}
		for i := -1600; i <= 1600; i++ {
			v := float32(i) / 100 * d
			try(v)
			v = float32(i) / 4 * d // meets every border
			try(v)
			try(math.Nextafter32(v, 1e30))
			try(math.Nextafter32(v, -1e30))
		}
	}
}

// TestIQ4Slot compares the table with the distances themselves around every multiple of 1/4.
func TestIQ4Slot(t *testing.T) {
	for i := -1000; i <= 1000; i++ {
		for _, v := range []float32{float32(i) / 4, math.Nextafter32(float32(i)/4, 1e30), math.Nextafter32(float32(i)/4, -1e30)} {
			best := 0
			for l, q := range iq4Values {
				if abs(q-v) <= abs(iq4Values[best]-v) { // the upper of two as near
					best = l
				}
			}
			require.Equal(t, uint8(best), iq4Index[iq4Slot(2*v)], "%v", v)
		}
	}
}

func TestTrit(t *testing.T) {
	half := math.Nextafter32(0.5, 0)
	for v, want := range map[float32]uint8{0: 1, half: 1, -half: 1, 0.5: 2, -0.5: 0, 1: 2, -1: 0, 1.0000001: 2} {
		require.Equal(t, want, trit(v), "%v", v)
	}
	require.Equal(t, uint8(1), trit(float32(math.Copysign(0, -1))))
}

// TestTernaryIsExact: models that were trained so come back as they were.
func TestTernaryIsExact(t *testing.T) {
	g := generator(5)
	x := make([]float32, 512)
	for i := range x {
		x[i] = float32(int32(g.next()%3)-1) * 0.375
	}
	for _, typ := range []gguf.Type{gguf.TQ1_0, gguf.TQ2_0, gguf.Q2_0} {
		c, _ := For(typ)
		require.Equal(t, x, roundTrip(c, x, 512, nil), "%v", typ)
	}
	for i := range x {
		x[i] = float32(int32(g.next()%2)*2-1) * 0.375
	}
	c, _ := For(gguf.Q1_0)
	require.Equal(t, x, roundTrip(c, x, 512, nil))
}

// TestWeightsNeverGiveNaN encodes ordinary values with weights that leave searches nothing to divide by.
func TestWeightsNeverGiveNaN(t *testing.T) {
	for _, dist := range distributions {
		x, w := matrix(9, dist, 2, 512)
		for name, weight := range map[string]func(i int) float32{
			"zero":      func(int) float32 { return 0 },
			"one":       func(i int) float32 { return float32(i / 511) },
			"blocks":    func(i int) float32 { return w[i] * float32(i/32%2) },
			"subnormal": func(int) float32 { return 0x1p-149 },
			"tiny":      func(i int) float32 { return w[i] * 0x1p-126 },
			"huge":      func(i int) float32 { return w[i] * 0x1p40 },
			"mixed":     func(i int) float32 { return w[i] * float32(math.Ldexp(1, i%160-120)) },
		} {
			ws := make([]float32, 512)
			for i := range ws {
				ws[i] = weight(i)
			}
			for typ, c := range codecs {
				for i, y := range roundTrip(c, x, 512, ws) {
					require.False(t, y != y || abs(y) > math.MaxFloat32, "%v of %s with %s weights: element %d is %v", typ, dist, name, i, y)
				}
			}
		}
	}
}
