package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// needNameless skips where files have names from the beginning.
func needNameless(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if err != nil {
		t.Skip("this file system has no files without names")
	}
	_ = unix.Close(fd)
}
