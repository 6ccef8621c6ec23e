//go:build !unix

package inputfile

// nonblock is not needed where no path of the file system names a pipe.
const nonblock = 0
