package atomicfile

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock does nothing: an open file cannot be removed.
func lock(*os.File) bool { return true }

// removeIfDead removes a temporary file whose process has ended and that nobody has open.
func removeIfDead(name string, owner int) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(owner))
	if err == nil {
		defer func() { _ = windows.CloseHandle(h) }()
		var code uint32
		const stillActive = 259
		if windows.GetExitCodeProcess(h, &code) != nil || code == stillActive {
			return
		}
	}
	_ = os.Remove(name)
}

func writableDir(string) error { return nil }
