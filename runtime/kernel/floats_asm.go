//go:build (amd64 || arm64) && gc && !noasm && !purego

package kernel

import (
	"unsafe"

	"github.com/carat-llm/carat/gguf"
)

// form is the number of the type in the tables of kernels.
func (t *floatTile) form() int {
	switch t.t {
	case gguf.F16:
		return 1
	case gguf.BF16:
		return 2
	}
	return 0
}

// checked fills t.args, and checks what the assembly will touch.
func (t *floatTile) checked() *byte {
	n := t.steps * len(lanes{})
	size := 4
	if t.t != gguf.F32 {
		size = 2
	}
	_, _, _ = t.lanes[t.width*floatRows*len(lanes{})-1], t.w[(floatRows-1)*t.wStride+n*size-1], t.x[(t.width-1)*t.xStride+n-1]
	t.args = floatArgs{lanes: &t.lanes[0], w: &t.w[0], wStride: t.wStride, x: &t.x[0], xStride: 4 * t.xStride, steps: t.steps}
	return (*byte)(unsafe.Pointer(&t.args))
}

func joinChecked(dst, l []float32, join func(dst, lanes *float32, n int)) {
	if n := len(dst) / 4; n > 0 {
		_ = l[4*n*len(lanes{})-1]
		join(&dst[0], &l[0], n)
	}
}
