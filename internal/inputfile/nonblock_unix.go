//go:build unix

package inputfile

import "syscall"

// nonblock keeps the opening of a pipe that took a regular file's place from waiting.
const nonblock = syscall.O_NONBLOCK
