package atomicfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// useNameless is turned off by tests.
var useNameless = true

// openNameless opens a file in dir that has no name and so goes with the process, or nil where the file system or the
// system cannot. label stands for it in errors.
func openNameless(dir, label string) *os.File {
	if !useNameless {
		return nil
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), label)
	if _, err := os.Stat(descriptor(f)); err != nil { // no /proc: it could never get a name
		_ = f.Close()
		return nil
	}
	return f
}

// descriptor is a path of f as long as it is open, for other processes too.
func descriptor(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// linkNameless gives f the name target, which must be free.
func linkNameless(f *os.File, target string) error {
	err := unix.Linkat(unix.AT_FDCWD, descriptor(f), unix.AT_FDCWD, target, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: f.Name(), New: target, Err: err}
	}
	return nil
}

// linkTemporary gives f a temporary name beside target for the moment before a rename: a link replaces nothing.
func linkTemporary(f *os.File, target string) (name string, err error) {
	lock(f)
	for range attempts {
		name = temporaryName(target)
		if err = linkNameless(f, name); !os.IsExist(err) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	return name, nil
}
