//go:build gc && !noasm && !purego

package cpu

import "golang.org/x/sys/cpu"

// ladder lists the tiers of this processor, the lowest first.
func ladder() []Tier {
	x := cpu.X86
	tiers := []Tier{Generic}
	if !x.HasAVX2 || !x.HasFMA || !x.HasF16C {
		return tiers
	}
	tiers = append(tiers, AVX2)
	if x.HasAVXVNNI {
		tiers = append(tiers, AVXVNNI)
	}
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512VNNI {
		return tiers
	}
	tiers = append(tiers, AVX512)
	if x.HasAMXTile && x.HasAMXInt8 && x.HasAMXBF16 && x.HasAVX512BF16 && tilesAllowed() {
		tiers = append(tiers, AMX)
	}
	return tiers
}
