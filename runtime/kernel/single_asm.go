//go:build (amd64 || arm64) && gc && !noasm && !purego

package kernel

import "unsafe"

// with computes the tile with the kernel of its form, or returns false when there is none.
func (s *singleTile) with(kernels map[singleForm]func(a *byte)) bool {
	f, ok := kernels[s.form]
	if ok {
		f((*byte)(unsafe.Pointer(&s.args)))
	}
	return ok
}
