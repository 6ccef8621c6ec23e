//go:build !(amd64 && gc && !noasm && !purego)

package codec

func roundSteps(levels, x []float32, iscale, lo float32, span uint32) (changed bool) {
	return stepsGeneric(levels, x, iscale, lo, span)
}
