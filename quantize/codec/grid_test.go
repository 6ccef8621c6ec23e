package codec

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSplitIQ1M compares the search of IQ1_M with its definition: the float32 sums of every split.
func TestSplitIQ1M(t *testing.T) {
	g := generator(11)
	var scores splitScores
	var order [16]uint8
	var x, w [16]float32
	for n := range 8000 {
		for i := range x {
			x[i], w[i] = g.gau(), abs(g.uni())
			switch n % 8 {
			case 1: // few distinct values
				x[i] = float32(int(x[i]*8)) / 8
				w[i] = 1
			case 2:
				w[i] = float32(x[i] * x[i])
			case 3: // products near the least normal float32
				x[i] *= 0x1p-20
				w[i] = float32(x[i] * x[i])
			case 4: // outliers and weights of zero
				if i%5 == 0 {
					x[i] *= 1000
				}
				if i%3 == 0 {
					w[i] = 0
				}
			case 5: // nearly equal
				x[i] = 1 + x[i]*0x1p-20
				w[i] = 1
			case 6:
				x[i] = abs(x[i])
			case 7:
				w[i] *= 0x1p-100
			}
		}
		sortedOrder(order[:], x[:])
		want := split{shift: -1, score: -maxFloat32}
		for i1 := range 17 {
			for i2 := i1; i2 <= 16; i2++ {
				for k := range 4 {
					want.consider(&order, &x, &w, i1, i2, k)
				}
			}
		}
		require.Equal(t, want, scores.search(&order, &x, &w), "draw %d of x %v, w %v", n, x, w)
	}
}

// TestLadder compares the codes of each scale with rounding every element for it.
func TestLadder(t *testing.T) {
	g := generator(5)
	var l ladder
	for _, grid := range []*grid{gridIQ2XS, gridIQ3S} {
		for n := range 2000 {
			var x [32]float32
			for i := range x {
				x[i] = abs(g.gau())
				switch {
				case n%4 == 1 && i%7 == 0: // flipped signs
					x[i] *= -0.1
				case n%4 == 2 && i == 3: // out of the range of nearest
					x[i] = -1e9
				case n%4 == 3: // on the borders between levels
					x[i] = float32(int(x[i]*10)) / 10
				}
			}
			most := greatest(x[:])
			if most == 0 {
				continue
			}
			l.fill(grid, x[:], most, 0.2, 15)
			var code [8]uint16
			for step := range 31 {
				for k := range 32 / grid.dims {
					code[k] += l.rise[step][k]
					var p point
					for i := range grid.dims {
						p[i] = uint8(oddLevel(x[grid.dims*k+i], l.inverse[step], int32(grid.levels-1)))
					}
					require.EqualValues(t, grid.code(&p), code[k], "scale %d, group %d of %v", step, k, x)
				}
			}
		}
	}
}

// TestNeighbours checks the lists of one grid against sorting all points.
func TestNeighbours(t *testing.T) {
	for _, g := range []*grid{gridIQ3XXS, gridIQ3S} {
		g.searchable()
		for c, entry := range g.lookup {
			if entry >= 0 {
				require.Equal(t, c, g.code(&g.points[entry]))
				continue
			}
			var p point
			for i, rest := 0, c; i < g.dims; i, rest = i+1, rest/g.levels {
				p[i] = uint8(rest % g.levels)
			}
			distance := func(n uint16) (d int) {
				for i := range p {
					diff := int(p[i]) - int(g.points[n][i])
					d += diff * diff
				}
				return d
			}
			list := g.around(entry)
			in, shells := map[uint16]bool{}, map[int]bool{}
			for i, n := range list {
				in[n] = true
				shells[distance(n)] = true
				if i > 0 && (distance(list[i-1]) > distance(n) || distance(list[i-1]) == distance(n) && list[i-1] >= n) {
					t.Fatalf("neighbours %d and %d of %v are out of order", list[i-1], n, p)
				}
			}
			require.Len(t, shells, g.shells)
			farthest := distance(list[len(list)-1])
			for n := range g.points {
				if !in[uint16(n)] && distance(uint16(n)) <= farthest {
					t.Fatalf("grid point %d is missing near %v", n, p)
				}
			}
		}
	}
}

// TestDegenerateWeights encodes columns without weight or without elements: all decodes to finite values.
func TestDegenerateWeights(t *testing.T) {
	x, w := matrix(9, "outlier", 2, 512)
	noWeights := make([]float32, 512)
	for i := range w {
		switch {
		case i%7 == 0:
			x[i], x[512+i] = 0, 0
		case i%5 == 0:
			w[i] = 0
		case i < 64:
			w[i] = 0
		}
	}
	for typ, c := range codecs {
		for _, weights := range [][]float32{nil, w, noWeights} {
			for _, src := range [][]float32{x, make([]float32, 1024)} {
				for i, y := range roundTrip(c, src, 512, weights) {
					require.False(t, math.IsNaN(float64(y)) || math.IsInf(float64(y), 0), "%v element %d: %v", typ, i, y)
				}
			}
		}
	}
}
