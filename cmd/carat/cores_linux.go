package main

import (
	"os"
	"path/filepath"
)

// physicalCores counts the distinct sets of hyper-thread siblings, or returns 0 when sysfs does not tell.
func physicalCores() int {
	files, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list")
	siblings := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0
		}
		siblings[string(b)] = true
	}
	return len(siblings)
}
