package bench

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropCache asks the system to forget its cached pages of the files, and checks that it did: pages that any process
// has mapped stay, and some file systems keep their own. The error wraps ErrNotDropped.
func DropCache(paths ...string) error {
	if len(paths) == 0 {
		return fmt.Errorf("%w: no files", ErrNotDropped)
	}
	for _, p := range paths {
		if err := dropFile(p); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrNotDropped, p, err)
		}
	}
	return nil
}

func dropFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	_ = f.Sync() // pages not yet written stay; read-only file systems refuse this and have none
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return os.NewSyscallError("posix_fadvise", err)
	}
	share, err := cached(f, st.Size())
	if err != nil {
		return err
	}
	if share > 0.05 {
		return fmt.Errorf("%.0f %% of it stays in memory", 100*share)
	}
	return nil
}

// cached is the share of the file's pages that are in memory.
func cached(f *os.File, size int64) (float64, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, os.NewSyscallError("mmap", err)
	}
	defer func() { _ = unix.Munmap(data) }()
	page := os.Getpagesize()
	pages := make([]byte, (len(data)+page-1)/page)
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(&pages[0]))); e != 0 {
		return 0, os.NewSyscallError("mincore", e)
	}
	in := 0
	for _, p := range pages {
		in += int(p & 1)
	}
	return float64(in) / float64(len(pages)), nil
}
