package cpu

import (
	"os"
	"path/filepath"
)

// Cores is the number of physical cores: that of distinct sets of hyper-thread siblings. It is 0 when the system does
// not tell.
func Cores() int {
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
