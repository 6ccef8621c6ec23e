//go:build gc && !noasm && !purego

package bandwidth

// native is xor in AVX2.
var native = xorAVX2

// xorAVX2 is the exclusive or of n words from p; n is a positive multiple of 64.
//
//go:noescape
func xorAVX2(p *uint64, n int) uint64
