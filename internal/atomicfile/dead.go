package atomicfile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A temporary file is named .NAME.carat-PID-RANDOM.tmp and locked by the process that writes it, as long as that lives.
// Whoever gets the lock has proof that the writer is gone, and may remove the file. On systems whose open files cannot
// be removed that takes the place of the lock.
//
// A writer locks the file just after it made it. Should another process have taken the file for dead in between, the
// writer sees that its name is gone, and makes another one.

// attempts at finding a name that is free.
const attempts = 100

// temporaryName is a name beside target that is likely free.
func temporaryName(target string) string {
	return fmt.Sprintf("%s%d-%08x.tmp", temporaryPrefix(target), os.Getpid(), rand.Uint32())
}

// temporaryPrefix is cut where names would get longer than file systems allow.
func temporaryPrefix(target string) string {
	dir, base := filepath.Split(target)
	return dir + "." + base[:min(len(base), 180)] + ".carat-"
}

// openTemporary makes and locks a file beside target.
func openTemporary(target string) (f *os.File, name string, err error) {
	for range attempts {
		name = temporaryName(target)
		if f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		lock(f)
		mine, errMine := f.Stat()
		there, errThere := os.Lstat(name)
		if errMine == nil && errThere == nil && os.SameFile(mine, there) {
			return f, name, nil
		}
		_ = f.Close()
		err = errors.Join(errMine, errThere)
	}
	return nil, "", err
}

// removeDead removes what killed processes left of target. Nothing depends on it.
func removeDead(target string) {
	prefix := filepath.Base(temporaryPrefix(target))
	d, err := os.Open(filepath.Dir(target))
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, n := range names {
		middle, ok := strings.CutPrefix(n, prefix)
		if ok {
			middle, ok = strings.CutSuffix(middle, ".tmp")
		}
		pid, random, two := strings.Cut(middle, "-")
		owner, err := strconv.Atoi(pid)
		if !ok || !two || err != nil || len(random) != 8 {
			continue
		}
		removeIfDead(filepath.Join(filepath.Dir(target), n), owner)
	}
}
