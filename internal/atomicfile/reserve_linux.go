package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve allocates blocks where the file system can, and else only sets the length.
func reserve(f *os.File, size int64) error {
	if size > 0 {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		if err == nil || !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return f.Truncate(size)
}
