package figure

import "math"

// minLook is the least number of chunks at which Narrow looks, and looks are a factor of sqrt(2) apart: stopping at
// the first chunk where an interval happens to be narrow would favour figures whose spread is underestimated.
const minLook = 16

// Narrow reports whether the 95 % interval of the named figure of every series that is not nil reaches at most width, as a share of
// the figure, to either side (fixed-width sampling: Chow and Robbins, 1965). It looks only after 16, 23, 32, 45, ...
// chunks.
func Narrow(s []*Series, figure string, width float64) bool {
	for _, x := range s {
		if x == nil {
			continue
		}
		if !isLook(len(x.Chunks)) {
			return false
		}
		l, err := x.Limits(figure, All)
		if err != nil {
			return false
		}
		reach := l.Upper((1-Level)/2) - l.Estimate()
		if reach > width*l.Estimate() {
			return false
		}
	}
	return true
}

func isLook(chunks int) bool {
	for k := 0; ; k++ {
		n := int(math.Round(minLook * math.Pow(2, float64(k)/2)))
		if n >= chunks {
			return n == chunks
		}
	}
}
