package gguf

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"7": 7, "5K": 5e3, "40m": 40e6, "2G": 2e9, "1.5G": 1.5e9, "105MB": 105e6, "12b": 12, "2.3G": 2.3e9, "1.000k": 1000, "9223372036854775807": math.MaxInt64} {
		n, err := ParseSize(s)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for _, s := range []string{"", "0", "G", "-1M", "+1M", "B", ".5G", "1.2.3G", "1.5", "1.0005k", "1e3", "9T", "9.3e9G", "99999999999G", "0x10"} {
		_, err := ParseSize(s)
		require.Error(t, err, s)
	}
}
