// Package sysmem knows how much memory this process may use, so that what cannot fit is refused before it is asked
// for: the Go runtime ends a process that gets no memory, and Linux one that fills what it got.
package sysmem

import (
	"os"
	"strconv"
	"strings"
)

// Total is the memory in bytes that the machine has, or the control group of the process if that is less; 0 where
// it is not known (it is read from Linux's /proc and /sys).
func Total() int64 { return total("/") }

func total(root string) int64 {
	machine := kilobytes(read(root + "proc/meminfo"))
	group, err := strconv.ParseInt(strings.TrimSpace(read(root+"sys/fs/cgroup/memory.max")), 10, 64)
	if err != nil || group <= 0 || machine > 0 && group > machine { // "max" is no limit
		return machine
	}
	return group
}

func read(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(data)
}

// kilobytes finds "MemTotal: 16300000 kB", and gives bytes.
func kilobytes(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 53)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
