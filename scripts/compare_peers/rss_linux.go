package main

import (
	"os"
	"syscall"
)

// resident is the most memory that a process had resident, in bytes.
func resident(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss) << 10 // in KiB; int32 on some machines
	}
	return 0
}
