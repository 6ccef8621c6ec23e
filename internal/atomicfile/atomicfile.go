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
	"sync"
	"sync/atomic"
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

	writing   sync.Mutex
	front     *front
	following sync.WaitGroup // what reads f beside the writing
	follower  *Follower
	synced    chan error // of beginSync
	stop      atomic.Bool

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
	if free, ok := FreeSpace(dir); ok && size > free {
		return nil, fmt.Errorf("%w in %s: %d bytes are needed for %s, %d are free", ErrNoSpace, dir, size, filepath.Base(path), free)
	}
	a := &File{name: path, target: target, size: size, front: newFront()}
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

// WriteAt writes p at off. Several goroutines take turns: file systems let one at a time write to a file, and who waits
// for their lock keeps a processor busy.
func (a *File) WriteAt(p []byte, off int64) (int, error) {
	a.writing.Lock()
	n, err := a.f.WriteAt(p, off)
	a.writing.Unlock()
	if err != nil {
		return n, a.explain(err)
	}
	a.Skip(off, off+int64(n))
	return n, nil
}

// Skip says that the zeros at begin to end, which Create reserved, are what the file shall have there.
func (a *File) Skip(begin, end int64) {
	if from, to := a.front.wrote(begin, end); from < to {
		send(a.f, from, to)
	}
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
	a.settle()
	err := a.f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil // by seal
	}
	if a.temp != "" {
		err = errors.Join(err, os.Remove(a.temp))
	}
	return err
}

// settle ends what goes on beside the writing.
func (a *File) settle() {
	a.stop.Store(true)
	a.front.end()
	a.following.Wait()
	if a.follower != nil {
		a.follower.close()
	}
}

// fault is the error of a part that cannot be read again.
func (a *File) fault(off int64) error {
	return &fs.PathError{Op: fmt.Sprintf("reading back byte %d of", off), Path: a.name, Err: errors.New("the disk that it is on failed")}
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
