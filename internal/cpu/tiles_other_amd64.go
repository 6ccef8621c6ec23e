//go:build !linux && gc && !noasm && !purego

package cpu

// tilesAllowed is false: how a process asks for tile registers is known for Linux only.
func tilesAllowed() bool { return false }
