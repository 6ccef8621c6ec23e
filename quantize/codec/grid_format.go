package codec

// The encoders of IQ2 and IQ3 share one search. A sub-block is approximated by a scale times magnitudes 1, 3, 5..., which
// are those of a grid point for each group of 8 or 4 elements. The search tries a series of scales: it rounds the
// elements to the lattice of all levels, takes the grid point there or the neighbour with the least error, and keeps the
// points that correlate best. Then it looks again with the scale that resulted.

// gridFormat is what a format's search consists of.
type gridFormat struct {
	grid *grid
	sub  int // elements of a sub-block, which has one scale

	// sigma2 is the mean square of a super-block times sigma. Elements have the weights w*sqrt(sigma2+x²).
	sigma     float32
	unweighed unweighed

	positive  bool    // the first scale is that of searchPositive
	evenSigns bool    // the number of minus signs in 8 elements is even
	tooSmall  float32 // a sub-block whose largest magnitude is less is left out

	// Tries are (2*top+1 + delta*t)/most for t = -tries..tries, top being the last level.
	tries int
	delta float32
	again again
}

// oddValues are the magnitudes of levels, but for the scale.
var oddValues = [8]float32{1, 3, 5, 7, 9, 11, 13, 15}

// unweighed says what the weights are without importance.
type unweighed int

const (
	evenly  unweighed = iota // sqrt(sigma2+x²)
	raised                   // sigma2/4 + x²
	squared                  // x²
)

// weigh sets the weights of elements. w is nil without importance.
func (u unweighed) weigh(dst, x, w []float32, sigma2 float32) {
	if w != nil {
		weigh(dst, x, w, sigma2)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		switch square := float32(v * v); u {
		case evenly:
			dst[i] = sqrt(sigma2 + square)
		case raised:
			dst[i] = float32(0.25*sigma2) + square
		default:
			dst[i] = square
		}
	}
}

// again says which points are searched again with the scale that the tries end with.
type again int

const (
	offGrid      again = iota // those of groups that were not on the grid
	allIfOffGrid              // all, if one was not, or if no try succeeded
	all
)

// gridBlock is a super-block as fitted: what is stored of it.
type gridBlock struct {
	scales [16]float32 // of sub-blocks; 0 for those that are left out
	left   [16]bool    // out
	index  [64]uint16  // grid points of groups
	signs  [32]uint8   // of 8 elements
}

// largest is the largest scale.
func (b *gridBlock) largest() (most float32) {
	for _, s := range b.scales {
		most = max(most, s)
	}
	return most
}

// packScales stores the scales of sub-blocks, 4 bits each.
func packScales(dst []byte, block *gridBlock, d float32) {
	for b, s := range block.scales[:2*len(dst)] {
		dst[b/2] |= uint8(oddScale(s, 1/d, 15) << (b % 2 * 4))
	}
}
