//go:build linux || darwin

package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock holds f until it is closed, or its process ends. It fails when another holds it, and where files cannot be locked.
func lock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// removeIfDead removes a temporary file that nobody holds. The owner's number proves nothing: files are shared between
// machines and containers.
func removeIfDead(name string, _ int) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && lock(f) {
		_ = os.Remove(name)
	}
}

// writableDir asks whether files can be made in dir.
func writableDir(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
