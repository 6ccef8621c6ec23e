package hugemem

import "golang.org/x/sys/unix"

// mapped returns memory of the system, nil when there is none.
func mapped(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // ordinary pages do, too
	return b
}

func unmap(b []byte) { _ = unix.Munmap(b) }
