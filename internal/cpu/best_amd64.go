//go:build gc && !noasm && !purego

package cpu

import "golang.org/x/sys/cpu"

// best is the highest tier of this processor.
func best() Tier {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		return AVX2
	}
	return Generic
}
