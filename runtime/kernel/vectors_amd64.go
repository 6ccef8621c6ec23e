//go:build amd64 && gc && !noasm && !purego

package kernel

var (
	vectorsAVX2   = vectors{swiglu: gated(swigluAVX2), geglu: gated(gegluAVX2), gelu: inPlace(geluAVX2)}
	vectorsAVX512 = vectors{swiglu: gated(swigluAVX512), geglu: gated(gegluAVX512), gelu: inPlace(geluAVX512)}
)

// The wrappers check what the assembly will touch.

func gated(f func(gate, up *float32, n int)) func(gate, up []float32) {
	return func(gate, up []float32) {
		if n := len(gate); n > 0 {
			f(&gate[0], &up[:n][0], n)
		}
	}
}

func inPlace(f func(x *float32, n int)) func(x []float32) {
	return func(x []float32) {
		if n := len(x); n > 0 {
			f(&x[0], n)
		}
	}
}
