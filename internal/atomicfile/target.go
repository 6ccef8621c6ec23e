package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/carat-llm/carat/internal/inputfile"
)

// ErrTarget is wrapped by the error of a path that cannot be an output: a mistake of who named it.
var ErrTarget = errors.New("cannot be an output file")

// targetError keeps ErrTarget out of the message, which says more.
type targetError struct{ msg string }

func (e *targetError) Error() string   { return e.msg }
func (e *targetError) Is(t error) bool { return t == ErrTarget }

func targetf(format string, args ...any) error {
	return &targetError{fmt.Sprintf(format, args...)}
}

// Check finds, before any work, what would keep Create from writing path: it is a folder, device or pipe, its folder is
// missing (these wrap ErrTarget) or cannot be written.
func Check(path string) error {
	target, err := resolve(path)
	if err != nil {
		return err
	}
	if err := writableDir(filepath.Dir(target)); err != nil {
		return &fs.PathError{Op: "write to folder", Path: filepath.Dir(target), Err: err}
	}
	return nil
}

// CheckEmpty requires that dir is missing, which it reports, or a folder with nothing in it. Otherwise the error wraps
// inputfile.ErrInput.
func CheckEmpty(dir string) (missing bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err == nil && len(entries) > 0:
		err = fmt.Errorf("%w: %s: the folder is not empty (it has %s): give the name of a new one", inputfile.ErrInput, dir, entries[0].Name())
	}
	return false, err
}

// CheckFolder finds, before any work, what would keep path from being a folder that is made when it is missing: it, or
// what should hold it, is something else. The errors wrap ErrTarget.
func CheckFolder(path string) error {
	for p := path; ; p = filepath.Dir(p) {
		st, err := os.Stat(p)
		switch {
		case err == nil && st.IsDir():
			return nil
		case err == nil && st.Mode().IsRegular():
			return targetf("%s is a file, not a folder", p)
		case err == nil:
			return targetf("%s is %s, not a folder", p, inputfile.Kind(st.Mode()))
		case unnameable(err):
			return targetf("%s cannot be a folder: %v", p, errors.Unwrap(err))
		case errors.Is(err, fs.ErrNotExist):
			if to, err := os.Readlink(p); err == nil {
				return targetf("%s is a link to %s, where there is no folder", p, to)
			}
		case !errors.Is(err, syscall.ENOTDIR): // said of what is above
			return err
		}
		if filepath.Dir(p) == p {
			return nil
		}
	}
}

// unnameable reports errors that say no file can have such a name.
func unnameable(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EINVAL)
}

// Resolve gives the one name of the file that Create would write for path: absolute, with all links followed.
func Resolve(path string) (string, error) {
	target, err := resolve(path)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(target))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	return filepath.Join(dir, filepath.Base(target)), err
}

// maxLinks are followed, as Linux does.
const maxLinks = 40

// resolve follows path's symbolic links to the file that is to be replaced, which may be missing.
func resolve(path string) (string, error) {
	// Not all links can be read: those of /dev/stdout and /proc/self/fd lead to what has no name.
	if st, err := os.Stat(path); err == nil && path != "" {
		if kind := inputfile.Kind(st.Mode()); kind != "" {
			return "", targetf("%s is %s: an output must be a regular file, or a name that is free", path, kind)
		}
	}
	target := path
	for range maxLinks {
		if target == "" || os.IsPathSeparator(target[len(target)-1]) {
			return "", targetf("%q names no file: give a file name", path)
		}
		dir := filepath.Dir(target)
		switch st, err := os.Stat(dir); {
		case errors.Is(err, fs.ErrNotExist):
			return "", targetf("%s cannot be written: folder %s does not exist; create it first", path, dir)
		case err == nil && !st.IsDir():
			return "", targetf("%s cannot be written: %s is not a folder", path, dir)
		case errors.Is(err, syscall.ENOTDIR), unnameable(err):
			return "", targetf("%s cannot be written: folder %s: %v", path, dir, errors.Unwrap(err))
		case err != nil:
			return "", err
		}
		st, err := os.Lstat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return target, nil
		case unnameable(err):
			return "", targetf("%s cannot be written: %v", path, errors.Unwrap(err))
		case err != nil:
			return "", err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			if kind := inputfile.Kind(st.Mode()); kind != "" {
				return "", targetf("%s is %s: an output must be a regular file, or a name that is free", path, kind)
			}
			return target, nil
		}
		next, err := os.Readlink(target)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(next) {
			next = dir + string(filepath.Separator) + next // not Join: "link/.." is where the link leads
		}
		target = next
	}
	return "", targetf("%s: too many symbolic links", path)
}
