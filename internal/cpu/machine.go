package cpu

import (
	"bufio"
	"io"
	"os"
	"strings"
)

// Name is the processor's name as Linux gives it, "" elsewhere and where it gives none.
func Name() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	return name(f)
}

// name finds the first "model name" of /proc/cpuinfo.
func name(r io.Reader) string {
	for s := bufio.NewScanner(r); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
