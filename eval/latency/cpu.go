package latency

import (
	"bufio"
	"io"
	"os"
	"strings"
)

// CPUName is the processor's name as Linux gives it, "" elsewhere and where it gives none.
func CPUName() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	return cpuName(f)
}

// cpuName finds the first "model name" of /proc/cpuinfo.
func cpuName(r io.Reader) string {
	for s := bufio.NewScanner(r); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
