//go:build !(amd64 && gc && !noasm && !purego)

package kernel

var avx2 *tier // there is none
