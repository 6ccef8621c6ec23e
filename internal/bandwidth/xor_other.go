//go:build !(amd64 && gc && !noasm && !purego)

package bandwidth

// native is nil: this binary has no xor in assembly.
var native func(p *uint64, n int) uint64
