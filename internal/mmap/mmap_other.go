//go:build !unix && !windows

package mmap

import "os"

// Map is not supported on this system.
func Map(*os.File, int64) ([]byte, error) { return nil, ErrUnsupported }

// Unmap is never needed on this system.
func Unmap([]byte) error { return nil }
