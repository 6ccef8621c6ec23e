//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/internal/cpu"

//go:noescape
func stepsAVX2(levels, x *float32, n int, iscale, lo float32, low, high uint32) (changed bool)

func roundSteps(levels, x []float32, iscale, lo float32, span uint32) (changed bool) {
	if cpu.Current() >= cpu.AVX2 {
		return stepsAVX2(&levels[0], &x[0], len(x), iscale, lo, stepOfZero, stepOfZero+span)
	}
	return stepsGeneric(levels, x, iscale, lo, span)
}
