package sysmem

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTotal(t *testing.T) {
	for _, c := range []struct {
		meminfo, group string
		want           int64
	}{
		{"", "", 0},
		{"MemTotal:       2048 kB\nMemFree:  7 kB\n", "", 2 << 20},
		{"MemFree:  7 kB\nMemTotal:       2048 kB\n", "max\n", 2 << 20},
		{"MemTotal: 2048 kB\n", "1048576\n", 1 << 20},
		{"MemTotal: 2048 kB\n", "9223372036854771712\n", 2 << 20},
		{"MemTotal: x kB\n", "", 0},
		{"", "1048576\n", 1 << 20},
	} {
		root := t.TempDir() + "/"
		for name, text := range map[string]string{"proc/meminfo": c.meminfo, "sys/fs/cgroup/memory.max": c.group} {
			require.NoError(t, os.MkdirAll(filepath.Dir(root+name), 0o700))
			require.NoError(t, os.WriteFile(root+name, []byte(text), 0o600))
		}
		require.Equal(t, c.want, total(root), "%q %q", c.meminfo, c.group)
	}
	if runtime.GOOS == "linux" {
		require.Positive(t, Total())
	}
}
