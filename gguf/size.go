package gguf

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSize reads a number of bytes above 0, "4000000", or in decimal units "500K", "4M", "105MB" or "4.5G".
func ParseSize(s string) (int64, error) {
	digits, zeros := strings.TrimSuffix(strings.ToUpper(s), "B"), 0
	if n := len(digits) - 1; n >= 0 {
		if zeros = 3 * (1 + strings.IndexByte("KMG", digits[n])); zeros > 0 {
			digits = digits[:n]
		}
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	zeros -= len(fraction)
	n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", max(0, zeros)), 10, 63)
	if err != nil || n == 0 || zeros < 0 || whole == "" {
		return 0, fmt.Errorf("expected a size such as 500M or 4.5G, in decimal units (got %q)", s)
	}
	return int64(n), nil
}
