//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"os"

	"golang.org/x/sys/cpu"
)

//go:noescape
func stepsAVX2(levels, x *float32, n int, iscale, lo float32, low, high uint32) (changed bool)

// CARAT_CPU=generic turns assembly off here as it does in runtime/kernel.
var hasAVX2 = cpu.X86.HasAVX2 && os.Getenv("CARAT_CPU") != "generic"

func roundSteps(levels, x []float32, iscale, lo float32, span uint32) (changed bool) {
	if hasAVX2 {
		return stepsAVX2(&levels[0], &x[0], len(x), iscale, lo, stepOfZero, stepOfZero+span)
	}
	return stepsGeneric(levels, x, iscale, lo, span)
}
