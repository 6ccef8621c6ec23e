package codec

import (
	_ "embed"
	"encoding/binary"
	"sync"

	"github.com/carat-llm/carat/gguf"
)

// The grid formats (IQ1, IQ2, IQ3) store groups of 8 or 4 elements as the number of a point in a codebook: a
// list of points on a small lattice. This file holds the codebooks and finds points in them.

// gridCodes holds the six codebooks of the grid formats, one after the other: 4,608 little-endian uint16.
// Each is one point, its coordinates packed from the lowest bits up: 8 of 2 bits, or 4 of 3 bits in the IQ3
// books. The lists are part of the formats (kgrid_* in ggml-quants.c); nothing derives them.
//
//go:embed grids.bin
var gridCodes string

// point holds the coordinates of a grid point; the points of IQ3 have four.
type point = [8]uint8

// grid is one codebook. Its tables are made at first use: points for decoding, the others for encoding.
type grid struct {
	offset, size int // place in gridCodes
	dims, levels int // coordinates, and values of each
	shells       int // how many distances count as neighbours

	expandOnce, indexOnce sync.Once

	points []point
	// lookup has an entry for every lattice point, see code: the number of the grid point there, or, off the
	// grid, the complement of where its list starts in neighbours. A list is its length and that many grid
	// points: all that lie at the nearest distances, by distance, then number.
	lookup     []int32
	neighbours []uint16
	slots      []point // the points with 4*k + coordinate k, see cheapest
}

var (
	gridIQ2XXS = &grid{offset: 0, size: 256, dims: 8, levels: 3, shells: 2}
	gridIQ2XS  = &grid{offset: 256, size: 512, dims: 8, levels: 3, shells: 2}
	gridIQ2S   = &grid{offset: 768, size: 1024, dims: 8, levels: 3, shells: 1}
	gridIQ1    = &grid{offset: 1792, size: 2048, dims: 8, levels: 3, shells: 3}
	gridIQ3XXS = &grid{offset: 3840, size: 256, dims: 4, levels: 8, shells: 2}
	gridIQ3S   = &grid{offset: 4096, size: 512, dims: 4, levels: 8, shells: 3}
)

// expanded returns the points.
func (g *grid) expanded() []point {
	g.expandOnce.Do(func() {
		bits := 2
		if g.dims == 4 {
			bits = 3
		}
		g.points = make([]point, g.size)
		for i := range g.points {
			packed := binary.LittleEndian.Uint16([]byte(gridCodes[2*(g.offset+i):][:2]))
			for k := range g.dims {
				g.points[i][k] = uint8(packed >> (bits * k) & (1<<bits - 1))
			}
		}
	})
	return g.points
}

// gridOf returns the codebook of a grid type (IQ1, IQ2, IQ3), for decoders in assembly: the levels of the 8 coordinates
// of each point, or of 4 (IQ3) and zeros. Other types have none: nil. It is shared: do not change it.
func gridOf(t gguf.Type) [][8]uint8 {
	switch t {
	case gguf.IQ2_XXS:
		return gridIQ2XXS.expanded()
	case gguf.IQ2_XS:
		return gridIQ2XS.expanded()
	case gguf.IQ2_S:
		return gridIQ2S.expanded()
	case gguf.IQ1_S, gguf.IQ1_M:
		return gridIQ1.expanded()
	case gguf.IQ3_XXS:
		return gridIQ3XXS.expanded()
	case gguf.IQ3_S:
		return gridIQ3S.expanded()
	}
	return nil
}

// code numbers the lattice points: the coordinates are digits in base levels, the first one lowest.
func (g *grid) code(p *point) int {
	c := 0
	for k := g.dims - 1; k >= 0; k-- {
		c = c*g.levels + int(p[k])
	}
	return c
}

// searchable makes lookup and neighbours and returns the grid.
func (g *grid) searchable() *grid {
	g.indexOnce.Do(func() {
		points := g.expanded()
		g.slots = make([]point, g.size)
		for i, p := range points {
			for k, l := range p {
				g.slots[i][k] = uint8(4*k) + l
			}
		}
		total := 1
		for range g.dims {
			total *= g.levels
		}
		g.lookup = make([]int32, total)
		for i := range g.lookup {
			g.lookup[i] = -1
		}
		for i := range points {
			g.lookup[g.code(&points[i])] = int32(i)
		}
		// A code is a high and a low digit of half the dimensions each; squared distances add up from theirs.
		half := 1
		for range g.dims / 2 {
			half *= g.levels
		}
		apart := make([]uint8, half*half)
		for a := range half {
			for b := range half {
				for i, j := a, b; i+j > 0; i, j = i/g.levels, j/g.levels {
					d := i%g.levels - j%g.levels
					apart[a*half+b] += uint8(d * d)
				}
			}
		}
		high, low := make([]uint8, len(points)), make([]uint8, len(points))
		for i := range points {
			c := g.code(&points[i])
			high[i], low[i] = uint8(c/half), uint8(c%half)
		}
		distances := make([]uint8, len(points))
		for c := range g.lookup {
			if g.lookup[c] < 0 {
				fromHigh, fromLow := apart[c/half*half:][:half], apart[c%half*half:][:half]
				for i, h := range high {
					distances[i] = fromHigh[h] + fromLow[low[i]]
				}
				g.lookup[c] = ^int32(len(g.neighbours))
				g.addNeighbours(distances)
			}
		}
	})
	return g
}

// addNeighbours appends the list of a lattice point, given its squared distance to every grid point.
func (g *grid) addNeighbours(distances []uint8) {
	var count [256]int
	for _, d := range distances {
		count[d]++
	}
	// Where the points of each distance go.
	var place [256]int
	n, shells, farthest := 0, 0, 0
	for d := 0; d < len(count) && shells < g.shells; d++ {
		if count[d] > 0 {
			place[d] = n
			n += count[d]
			shells++
			farthest = d
		}
	}
	start := len(g.neighbours) + 1
	g.neighbours = append(g.neighbours, uint16(n))
	g.neighbours = append(g.neighbours, make([]uint16, n)...)
	list := g.neighbours[start:]
	for i, d := range distances {
		if int(d) <= farthest {
			list[place[d]] = uint16(i)
			place[d]++
		}
	}
}

// around returns the neighbours of an off-grid lattice point from its entry in lookup.
func (g *grid) around(entry int32) []uint16 {
	at := ^entry
	n := int32(g.neighbours[at])
	return g.neighbours[at+1 : at+1+n]
}

// costs holds what coordinate l costs in dimension k at 4*k+l. It is longer so that any uint8 is inside.
type costs [256]float32

// cheapest returns the point of the list with the least cost, the first of several. For grids of 8 dimensions.
func (g *grid) cheapest(list []uint16, cost *costs) uint16 {
	best, at := maxFloat32, list[0]
	slots := g.slots
	for _, n := range list {
		p := &slots[n]
		d := cost[p[0]]
		d += cost[p[1]]
		d += cost[p[2]]
		d += cost[p[3]]
		d += cost[p[4]]
		d += cost[p[5]]
		d += cost[p[6]]
		d += cost[p[7]]
		if d < best {
			best, at = d, n
		}
	}
	return at
}
