//go:build gc && !noasm && !purego

package cpu

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// ladder lists the tiers of this processor, the lowest first.
func ladder() []Tier {
	tiers := []Tier{Generic}
	// All of Apple's processors for computers have dot products, which older systems do not tell.
	if cpu.ARM64.HasASIMDDP || runtime.GOOS == "darwin" {
		tiers = append(tiers, NEON)
	}
	return tiers
}
