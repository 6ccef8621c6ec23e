package atomicfile

import (
	"os"

	"golang.org/x/sys/windows"
)

func FreeSpace(dir string) (int64, bool) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var free uint64
	if windows.GetDiskFreeSpaceEx(p, &free, nil, nil) != nil {
		return 0, false
	}
	return int64(free), true
}

func umask() os.FileMode { return 0 }

func syncDir(string) {}
