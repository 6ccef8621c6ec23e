//go:build amd64 && gc && !noasm && !purego

package codec

import "sync"

// gridTables are a grid's for the search in vectors, see gridNearest in _gen. A point is stored as its levels, each with an
// equal share of 16 bits; one of IQ1, which has no series of tries, as its number.
type gridTables struct {
	once sync.Once

	// lookup is the point of each lattice point, with onGridBit, or off the grid where its list begins, its number of parts,
	// in 6 bits, and with 4 dimensions its number of points, in 6 bits below these. A part is as many points as a vector has
	// lanes.
	lookup []uint32
	// Lane l has points l*parts to (l+1)*parts-1 of a list, one in each part. Behind them the fourth level of each
	// dimension is far from everything; with 4 dimensions, which have no room for that, the first point is repeated.
	// lists has for each level 4 bits that say where its cost is, points what is stored.
	lists  []uint32
	points []uint16

	numbers []uint16 // of points by what is stored
	levels  []uint32 // of points by their numbers, 4 bits each; of IQ1
}

const onGridBit = 1 << 31

// gridTablesOf has the tables of each grid, for vectors of 8 and 16 lanes.
var gridTablesOf = map[*grid]*[2]gridTables{gridIQ2XXS: {}, gridIQ2XS: {}, gridIQ2S: {}, gridIQ1: {}, gridIQ3XXS: {}, gridIQ3S: {}}

// tables returns the tables of g for vectors of so many lanes.
func (g *grid) tables(lanes int) *gridTables {
	t := &gridTablesOf[g][lanes/8-1]
	t.once.Do(func() { t.fill(g.searchable(), lanes) })
	return t
}

func (t *gridTables) fill(g *grid, lanes int) {
	stored, places := make([]uint16, len(g.points)), make([]uint32, len(g.points))
	t.numbers = make([]uint16, 1<<16)
	for i, p := range g.points {
		var levels uint32
		for k := range g.dims {
			stored[i] |= uint16(p[k]) << (16 / g.dims * k)
			levels |= uint32(p[k]) << (4 * k)
			places[i] |= uint32(p[k]) << (4 * k)
			if g.dims == 8 {
				places[i] |= uint32(k%4*4) << (4 * k) // 3 levels have 4 places
			} else if lanes == 16 {
				places[i] |= uint32(k%2*8) << (4 * k)
			}
		}
		if g == gridIQ1 {
			stored[i] = uint16(i)
			t.levels = append(t.levels, levels)
		}
		t.numbers[stored[i]] = uint16(i)
	}
	t.lookup = make([]uint32, len(g.lookup))
	for c, entry := range g.lookup {
		if entry >= 0 {
			t.lookup[c] = onGridBit | uint32(stored[entry])
			continue
		}
		list := g.around(entry)
		parts, length, behind := (len(list)+lanes-1)/lanes, 0, uint32(0xfb73fb73)
		if g.dims == 4 {
			// Most lists have up to 16 points: they are all searched in the same way.
			parts, length, behind = max(parts, 16/lanes), len(list), places[list[0]]
		}
		t.lookup[c] = uint32(len(t.lists)/lanes<<12 | parts<<6 | length)
		for part := range parts {
			for l := range lanes {
				if i := l*parts + part; i < len(list) {
					t.lists, t.points = append(t.lists, places[list[i]]), append(t.points, stored[list[i]])
				} else {
					t.lists, t.points = append(t.lists, behind), append(t.points, 0)
				}
			}
		}
	}
}

// onGrid says whether a lattice point is a grid point.
func (t *gridTables) onGrid(code uint16) bool { return t.lookup[code]&onGridBit != 0 }
