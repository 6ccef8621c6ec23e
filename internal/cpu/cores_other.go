//go:build !linux

package cpu

// Cores is the number of physical cores, 0: it is not known here without a system library.
func Cores() int { return 0 }
