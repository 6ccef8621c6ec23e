//go:build !linux && !darwin && !windows

package atomicfile

import "os"

func FreeSpace(string) (int64, bool) { return 0, false }

func umask() os.FileMode { return 0o022 }

func syncDir(string) {}
