//go:build linux || darwin

package atomicfile

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// FreeSpace is what this user may still write in dir.
func FreeSpace(dir string) (int64, bool) {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true
}

// umask can only be read by setting it, which is done once: two readers at a time would take each other's for it. A file
// made in between is only more private.
var umask = sync.OnceValue(func() os.FileMode {
	old := unix.Umask(0o077)
	unix.Umask(old)
	return os.FileMode(old)
})

// syncDir makes the rename durable. A file system that cannot sync folders is not an error.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
