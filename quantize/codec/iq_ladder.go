package codec

// ladder holds the lattice points nearest to a sub-block for a series of rising inverse scales: as every level
// only rises with the inverse scale, they are stored as the points for the first and what each next one adds.
type ladder struct {
	inverse [31]float32
	// rise holds for each inverse scale and group what is added to the code of the group's lattice point.
	rise [31][8]uint16
}

// oddLevel rounds to the nearest of 1, 3, 5... and returns its number, 0 to top.
func oddLevel(x, inverse float32, top int32) int32 {
	return clamp(nearest(float32(0.5*(float32(inverse*x)-1))), 0, top)
}

// fill prepares the inverse scales (2*top + 1 + delta*t)/most for t = -tries..tries and the points of x, groups
// of g.dims elements. top is the last level.
func (l *ladder) fill(g *grid, x []float32, most, delta float32, tries int) {
	n := 2*tries + 1
	top := int32(g.levels - 1)
	middle := float32(2*top + 1)
	inverse := l.inverse[:n]
	for t := range inverse {
		inverse[t] = (middle + float32(float32(t-tries)*delta)) / most
		l.rise[t] = [8]uint16{}
	}
	unit, group, dim := uint16(1), 0, 0
	for _, v := range x {
		low, high := oddLevel(v, inverse[0], top), oddLevel(v, inverse[n-1], top)
		l.rise[0][group&7] += uint16(low) * unit
		if extreme := float32(v * inverse[n-1]); !(abs(extreme) < 1<<21) {
			// nearest leaves its range, where it does not rise steadily.
			for t := 1; t < n; t++ {
				next := oddLevel(v, inverse[t], top)
				l.rise[t][group&7] += uint16(next-low) * unit
				low = next
			}
			high = low
		}
		for ; low < high; low++ {
			// The next level is due where inverse*v is 2*low+2; rounding may move that a little.
			t := int((float32(2*low+2)/v*most-middle)/delta) + tries
			t = max(1, min(n-1, t))
			for oddLevel(v, inverse[t], top) <= low {
				t++
			}
			for oddLevel(v, inverse[t-1], top) > low {
				t--
			}
			l.rise[t][group&7] += unit
		}
		unit *= uint16(g.levels)
		if dim++; dim == g.dims {
			unit, dim = 1, 0
			group++
		}
	}
}
