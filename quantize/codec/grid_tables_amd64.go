//go:build amd64 && gc && !noasm && !purego

package codec

import "sync"

// gridTables are a grid's for the search in vectors, see gridNearest in _gen.
type gridTables struct {
	once   sync.Once
	points []uint32 // 4 bits for each level of a point

	// lookup is the number of the point for each lattice point, or off the grid the complement of where its list begins
	// times 64 plus its length, both in parts: as many points as a vector has lanes.
	lookup []int32
	// Lane l has points l*parts to (l+1)*parts-1 of a list, one in each part; what is left over repeats the first. lists
	// has for each level 4 bits that say where its cost is, numbers has the points.
	lists   []uint32
	numbers []uint16
}

// gridTablesOf has the tables of each grid, for vectors of 8 and 16 lanes.
var gridTablesOf = map[*grid]*[2]gridTables{gridIQ2XXS: {}, gridIQ2XS: {}, gridIQ2S: {}, gridIQ1: {}, gridIQ3XXS: {}, gridIQ3S: {}}

// tables returns the tables of g for vectors of so many lanes.
func (g *grid) tables(lanes int) *gridTables {
	t := &gridTablesOf[g][lanes/8-1]
	t.once.Do(func() { t.fill(g.searchable(), lanes) })
	return t
}

func (t *gridTables) fill(g *grid, lanes int) {
	places := make([]uint32, len(g.points))
	t.points = make([]uint32, len(g.points))
	for i, p := range g.points {
		for k := range g.dims {
			t.points[i] |= uint32(p[k]) << (4 * k)
			if places[i] |= uint32(p[k]) << (4 * k); g.dims == 8 {
				places[i] |= uint32(k%4*4) << (4 * k) // 3 levels have 4 places
			}
		}
	}
	t.lookup = make([]int32, len(g.lookup))
	for c, entry := range g.lookup {
		if t.lookup[c] = entry; entry >= 0 {
			continue
		}
		list := g.around(entry)
		parts := (len(list) + lanes - 1) / lanes
		t.lookup[c] = ^int32(len(t.lists)/lanes*64 + parts)
		for part := range parts {
			for l := range lanes {
				n := list[0]
				if i := l*parts + part; i < len(list) {
					n = list[i]
				}
				t.lists, t.numbers = append(t.lists, places[n]), append(t.numbers, n)
			}
		}
	}
}
