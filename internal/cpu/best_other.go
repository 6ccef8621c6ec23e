//go:build !amd64 || !gc || noasm || purego

package cpu

// best is the highest tier that this binary has.
func best() Tier { return Generic }
