// Package atomicfile writes files that appear only when they are whole, and several of them together.
//
// Create begins a file in the target's folder and reserves its full size, so that a disk that is too small is found
// before any work. WriteAt may be called from several goroutines. Commit makes the file durable and gives it its name,
// replacing a file of that name; Abort leaves nothing. A [Batch] does so for files that belong together.
//
// What a target may be is one rule ([Check]): a regular file or a name that is free, in a folder that exists. A
// symbolic link is followed: the file it points to is replaced, the link stays.
//
// A process that is killed leaves nothing on Linux, where the file has no name before Commit (O_TMPFILE). Elsewhere it
// leaves .NAME.carat-PID-RANDOM.tmp, which the next Create of the same target removes: see dead.go.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrNoSpace is wrapped when the disk cannot hold the file; the message says what is needed and free.
var ErrNoSpace = errors.New("not enough disk space")

// File is an output under way.
type File struct {
	name   string // as the caller gave it, for messages
	target string // name with its links followed
	f      *os.File
	temp   string // f's own name; "" while it has none
	size   int64
	done   bool

	from    string // what temp was before publish
	kept    string // another name of what was replaced, until the commit is over
	release func() // lets go of kept
}

// Create starts writing path, which will be size bytes long.
func Create(path string, size int64) (*File, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(target)
	removeDead(target)
	if free, ok := freeSpace(dir); ok && size > free {
		return nil, fmt.Errorf("%w in %s: %d bytes are needed for %s, %d are free", ErrNoSpace, dir, size, filepath.Base(path), free)
	}
	a := &File{name: path, target: target, size: size}
	if a.f = openNameless(dir, path); a.f == nil {
		if a.f, a.temp, err = openTemporary(target); err != nil {
			return nil, a.explain(err)
		}
	}
	if err := reserve(a.f, size); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("%w in %s for the %d bytes of %s: %w", ErrNoSpace, dir, size, filepath.Base(path), a.explain(err))
		} else {
			err = fmt.Errorf("%s: %d bytes cannot be reserved: %w", path, size, a.explain(err))
		}
		return nil, errors.Join(err, a.Abort())
	}
	return a, nil
}

// WriteFile writes b as a whole file.
func WriteFile(path string, b []byte) error {
	var batch Batch
	if err := batch.WriteFile(path, b); err != nil {
		return err
	}
	return batch.Commit()
}

// Name is the path that Create was given.
func (a *File) Name() string { return a.name }

// Size is the length that the file will have.
func (a *File) Size() int64 { return a.size }

// WriteAt writes p at off.
func (a *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := a.f.WriteAt(p, off)
	return n, a.explain(err)
}

// ReadAt reads what was written, before Commit.
func (a *File) ReadAt(p []byte, off int64) (int, error) { return a.f.ReadAt(p, off) }

// Truncate sets the length, for outputs that turn out shorter than was reserved.
func (a *File) Truncate(size int64) error {
	a.size = size
	return a.explain(a.f.Truncate(size))
}

// Commit makes the file durable and gives it its name, replacing a file of that name.
func (a *File) Commit() error { return CommitAll([]*File{a}) }

// Abort gives up and leaves nothing. After Commit it does nothing.
func (a *File) Abort() error {
	if a.done {
		return nil
	}
	a.done = true
	a.forget()
	if a.f == nil {
		return nil // Adopt: the file is the caller's
	}
	err := a.f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil // by seal
	}
	if a.temp != "" {
		err = errors.Join(err, os.Remove(a.temp))
	}
	return err
}

// explain takes the temporary name out of an error: it would tell nobody anything.
func (a *File) explain(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return &fs.PathError{Op: path.Op, Path: a.name, Err: path.Err}
	case errors.As(err, &link):
		return &fs.PathError{Op: "write", Path: a.name, Err: link.Err}
	}
	return err
}
