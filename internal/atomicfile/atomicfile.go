// Package atomicfile writes files that appear only when they are whole.
//
// Create makes a temporary file in the target's folder and reserves its full size, so that a disk that is
// too small is found before any work. WriteAt may be called from several goroutines. Commit syncs and
// renames, CommitAll does so for files that belong together; Abort removes. After a crash only a file named .NAME.carat-*.tmp can be left.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoSpace is wrapped when the disk cannot hold the file; the message says what is needed and free.
var ErrNoSpace = errors.New("not enough disk space")

// File is an output under way.
type File struct {
	f    *os.File
	path string
	done bool
}

// Create starts writing path, which will be size bytes long.
func Create(path string, size int64) (*File, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: it cannot be replaced by one", path)
	}
	dir := filepath.Dir(path)
	if free, ok := freeSpace(dir); ok && size > free {
		return nil, fmt.Errorf("%w in %s: %d bytes are needed for %s, %d are free", ErrNoSpace, dir, size, filepath.Base(path), free)
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".carat-*.tmp")
	if err != nil {
		return nil, err
	}
	a := &File{f: f, path: path}
	if err := reserve(f, size); err != nil {
		return nil, errors.Join(fmt.Errorf("%w in %s for the %d bytes of %s: %w", ErrNoSpace, dir, size, filepath.Base(path), err), a.Abort())
	}
	return a, nil
}

// WriteFile writes b as a whole file.
func WriteFile(path string, b []byte) error {
	a, err := Create(path, int64(len(b)))
	if err != nil {
		return err
	}
	if _, err := a.WriteAt(b, 0); err != nil {
		return errors.Join(err, a.Abort())
	}
	return a.Commit()
}

// Rename gives a file that is whole and durable, such as one of Commit, another name in its file system, and makes the
// name durable too. It replaces a file of that name.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	syncDir(filepath.Dir(to))
	return nil
}

// WriteAt writes p at off.
func (a *File) WriteAt(p []byte, off int64) (int, error) { return a.f.WriteAt(p, off) }

// Truncate sets the length, for outputs that turn out shorter than was reserved.
func (a *File) Truncate(size int64) error { return a.f.Truncate(size) }

// Commit makes the file durable and gives it its name, replacing a file of that name.
func (a *File) Commit() error { return CommitAll([]*File{a}) }

// CommitAll commits files that belong together: all are durable before the first one gets its name. When
// one cannot be made durable or renamed, none stays, not under its temporary name nor its own.
func CommitAll(files []*File) error {
	for _, a := range files {
		if a.done {
			return errors.New("atomicfile: Commit after Commit or Abort")
		}
	}
	for i, a := range files {
		if err := a.seal(); err != nil {
			return errors.Join(err, removeAll(files[:i+1]), abortAll(files[i+1:]))
		}
	}
	for i, a := range files {
		if err := os.Rename(a.f.Name(), a.path); err != nil {
			for _, named := range files[:i] {
				err = errors.Join(err, os.Remove(named.path))
			}
			return errors.Join(err, removeAll(files[i:]))
		}
		a.done = true
	}
	for i, a := range files {
		if dir := filepath.Dir(a.path); i == 0 || dir != filepath.Dir(files[i-1].path) {
			syncDir(dir)
		}
	}
	return nil
}

// seal makes the temporary file durable and closes it. CreateTemp makes files that only the owner can read;
// an output is as open as the umask allows.
func (a *File) seal() error {
	err := errors.Join(a.f.Chmod(0o666&^umask()), a.f.Sync())
	return errors.Join(err, a.f.Close())
}

func removeAll(files []*File) (err error) {
	for _, a := range files {
		err = errors.Join(err, a.remove())
	}
	return err
}

func abortAll(files []*File) (err error) {
	for _, a := range files {
		err = errors.Join(err, a.Abort())
	}
	return err
}

// Abort gives up and removes the temporary file. After Commit it does nothing.
func (a *File) Abort() error {
	if a.done {
		return nil
	}
	return errors.Join(a.f.Close(), a.remove())
}

func (a *File) remove() error {
	a.done = true
	return os.Remove(a.f.Name())
}
