package codec

import "math"

// stepsGeneric sets levels[i] to the step of iscale*(x[i]-lo), at least that of zero and at most span above it, and
// says whether a level changed. len(x) is a multiple of 8 and not 0, levels at least as long. Products must be so
// small that none wraps around, see moderate.
//
// roundSteps is the same, by the fastest code that this processor has.
func stepsGeneric(levels, x []float32, iscale, lo float32, span uint32) (changed bool) {
	var diff uint32
	for i, v := range x {
		b := math.Float32bits(float32(iscale*(v-lo)) + stepBias)
		b = min(max(b, stepOfZero), stepOfZero+span)
		diff |= b ^ math.Float32bits(levels[i])
		levels[i] = math.Float32frombits(b)
	}
	return diff != 0
}
