package kernel

// lanes are the running sums of a vector: lane i has the elements i, i+16, i+32, ..., which is one register of AVX-512, two
// of AVX2 and four of NEON. Every tier adds in this order; elements that are missing at the end of a vector are zeros.
type lanes [laneCount]float32

const laneCount = 16

// join adds up the lanes: 16 to 8 (i and i+8), these to 4, to 2, to 1.
func (l *lanes) join() float32 {
	for half := len(l) / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] += l[i+half]
		}
	}
	return l[0]
}
