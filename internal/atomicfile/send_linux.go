package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// send lets the disk begin with what was written from there to there, so that Commit waits for the last of it only. It may
// fail: Commit sees to all of the file.
func send(f *os.File, from, to int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, to-from, unix.SYNC_FILE_RANGE_WRITE)
}
