//go:build gc && !noasm && !purego

package cpu

import "syscall"

// tilesAllowed asks Linux to let this process use the tile registers of AMX, whose state is so large that threads get
// room for it only on request (Documentation/arch/x86/xstate.rst). It holds for all threads, those to come too.
func tilesAllowed() bool {
	const (
		archPrctl       = 158
		reqXCompPerm    = 0x1023 // ARCH_REQ_XCOMP_PERM
		featureTileData = 18
	)
	_, _, errno := syscall.RawSyscall(archPrctl, reqXCompPerm, featureTileData, 0)
	return errno == 0
}
