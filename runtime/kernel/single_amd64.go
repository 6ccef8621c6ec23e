//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

// singleAVX512 multiplies a panel with one column without a stage; it returns false when there is no kernel for the format.
func singleAVX512(s *singleTile) bool {
	k, ok := singlesAVX512[s.form]
	if !ok {
		return false
	}
	kernel := k[0]
	if s.fast {
		kernel = k[1]
	}
	kernel((*byte)(unsafe.Pointer(&s.args)))
	return true
}
