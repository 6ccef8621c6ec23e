//go:build !(amd64 || arm64) || !gc || noasm || purego

package cpu

// ladder lists the tiers that this binary has, the lowest first.
func ladder() []Tier { return []Tier{Generic} }
