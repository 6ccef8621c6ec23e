// Package inputfile opens the files that carat reads: models, configs, texts, policies, recipes, matrices, reports.
//
// Only regular files are opened. A named pipe or a device could block for ever or never end, and cannot be read
// twice; a folder is a mistake that deserves its name. What was opened is taken as it was at that moment: a read that
// gets fewer bytes than the file then had is an error, never zeros, and [File.Unchanged] says at the end whether the
// file is still the one that was opened. So nothing is made of half of one file and half of another.
//
//	large files    Open; ReadAt, Reader or Map; Unchanged before the result gets its name; Close
//	small files    ReadSmall, or ReadText for what must be UTF-8, both with a limit on the size
//
// What Git LFS leaves in place of a file is not that file, and is refused as such.
//
// Errors about the file wrap ErrInput, which package gguf has under the same name, and name the file. A missing file
// is fs.ErrNotExist as well; what the system refuses, as a permission, stays the system's error.
package inputfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/mmap"
)

// ErrInput is wrapped by every error about a file that is at fault.
var ErrInput = errors.New("bad input")

// File is an open regular file. Its methods but Close may be called by several goroutines.
type File struct {
	f      *os.File
	path   string
	size   int64
	time   time.Time
	once   sync.Once
	mapped []byte
	far    Source // in place of f
}

// Source is a file that is not on this machine. ReadAt fills p or fails.
type Source interface {
	io.ReaderAt
	Unchanged() error
	io.Closer
}

// From is a File of size bytes that src reads. It cannot be mapped. path is for messages.
func From(path string, size int64, src Source) *File { return &File{path: path, size: size, far: src} }

// Open opens the regular file at path, or what a symbolic link there points to.
func Open(path string) (*File, error) {
	// Before opening: that of a pipe waits for a writer, and that of a device may do something.
	st, err := os.Stat(path)
	if err != nil {
		return nil, missing(path, err)
	}
	if err := regular(path, st); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if errors.Is(err, syscall.EAGAIN) { // somebody holds a lease of the file, as file servers do, and gives it back
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, missing(path, err)
	}
	if st, err = f.Stat(); err == nil {
		err = regular(path, st) // it may be another one by now
	}
	if err == nil {
		err = pointer(path, f, st.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{f: f, path: path, size: st.Size(), time: st.ModTime()}, nil
}

// Path is the path as it was given.
func (f *File) Path() string { return f.path }

// Size is the file's size when it was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt fills p from offset off. It implements io.ReaderAt, but for io.EOF: fewer bytes than asked for are always an
// error about the file.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.far != nil {
		if off < 0 || off+int64(len(p)) > f.size {
			return 0, f.short(f.size)
		}
		return f.far.ReadAt(p, off)
	}
	n, err := f.f.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		return n, f.short(off + int64(n))
	}
	return n, err // the system's, with the path
}

// Reader reads the file from front to back, of the size that it had when it was opened. When it is cut off meanwhile
// the error says so.
func (f *File) Reader() io.Reader { return io.NewSectionReader(f, 0, f.size) }

// short is the error of a file that ends at a byte where it did not end before.
func (f *File) short(end int64) error {
	if end >= f.size {
		return fmt.Errorf("%w: %s: ends at byte %d, more was expected", ErrInput, f.path, f.size)
	}
	return fmt.Errorf("%w: %s: ends at byte %d, had %d bytes when it was opened: %s", ErrInput, f.path, end, f.size, changed)
}

// changed ends every message about a file that is no longer what was opened.
const changed = "it changed while it was read; run again when nothing writes to it"

// Unchanged fails when the file is not what it was when it was opened: its size or time of modification differ, or
// another file is at its path. A file that was removed meanwhile was read as it was.
func (f *File) Unchanged() error {
	if f.far != nil {
		return f.far.Unchanged()
	}
	st, err := f.f.Stat()
	if err != nil {
		return err
	}
	switch now, err := os.Stat(f.path); {
	case st.Size() != f.size:
		return fmt.Errorf("%w: %s: has %d bytes, had %d when it was opened: %s", ErrInput, f.path, st.Size(), f.size, changed)
	case !st.ModTime().Equal(f.time):
		return fmt.Errorf("%w: %s: was modified at %s: %s", ErrInput, f.path, st.ModTime().Format(time.RFC3339Nano), changed)
	case err == nil && !os.SameFile(st, now):
		return fmt.Errorf("%w: %s: another file is at this path now: %s", ErrInput, f.path, changed)
	}
	return nil
}

// Map maps the file into memory, read-only. The bytes are valid until Close and must be read within mmap.Guard, which
// makes errors of pages that cannot be read. It is nil where files cannot be mapped.
func (f *File) Map() []byte {
	if f.far != nil {
		return nil
	}
	f.once.Do(func() { f.mapped, _ = mmap.Map(f.f, f.size, f.fault) }) // ReadAt serves otherwise
	return f.mapped
}

// fault is the error of a mapped page that could not be read.
func (f *File) fault(off int64) error {
	if st, err := f.f.Stat(); err == nil && st.Size() < f.size {
		return f.short(st.Size())
	}
	return &fs.PathError{Op: fmt.Sprintf("reading byte %d of", off), Path: f.path, Err: errors.New("the disk that it is on failed")}
}

// Close closes the file and ends its mapping.
func (f *File) Close() (err error) {
	if f.far != nil {
		return f.far.Close()
	}
	if f.mapped != nil {
		err = mmap.Unmap(f.mapped)
		f.mapped = nil
	}
	return errors.Join(err, f.f.Close())
}

// pointerHead begins the text that Git LFS leaves in place of a file which was not fetched, of less than 1024 bytes.
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
const pointerHead = "version https://git-lfs.github.com/spec/"

// pointer refuses what stands for a file and is not it.
func pointer(path string, f io.ReaderAt, size int64) error {
	head := make([]byte, len(pointerHead))
	if size < int64(len(head)) || size >= 1024 {
		return nil
	}
	if _, err := f.ReadAt(head, 0); err != nil || string(head) != pointerHead {
		return nil // reading says what is wrong
	}
	return hint.Wrap(fmt.Errorf("%w: %s: is a Git LFS pointer, not the file", ErrInput, path), "run git lfs pull in its folder")
}

// regular refuses everything but regular files.
func regular(path string, st fs.FileInfo) error {
	if st.Mode().IsRegular() {
		return nil
	}
	return &KindError{Path: path, Mode: st.Mode()}
}

// KindError is the error of what is no regular file. It wraps ErrInput.
type KindError struct {
	Path string
	Mode fs.FileMode
}

func (e *KindError) Error() string {
	return fmt.Sprintf("%v: %s: is %s, not a regular file", ErrInput, e.Path, Kind(e.Mode))
}

// Kind names what a file is that is not a regular one, with its article; "" is a regular file.
func Kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return ""
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// Stream is true for what somebody may have meant as standard input: pipes, as the shell's <(...) is one too, and the
// names of standard input itself.
func (e *KindError) Stream() bool {
	return e.Mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0 || e.Path == "/dev/stdin" || strings.HasPrefix(e.Path, "/dev/fd/")
}

// Unwrap makes errors.Is(err, ErrInput) true.
func (e *KindError) Unwrap() error { return ErrInput }

// missing makes an error about the input of one that says there is no such file, or that no file can be called so.
func missing(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		to, _ := os.Readlink(path)
		return &missingError{path, to}
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	return err
}

// missingError is that of a file that is not there.
type missingError struct{ path, to string }

func (e *missingError) Error() string {
	if e.to != "" {
		return fmt.Sprintf("%v: %s: is a link to %s, where there is no file", ErrInput, e.path, e.to)
	}
	return fmt.Sprintf("%v: %s: no such file", ErrInput, e.path)
}

// Unwrap makes the error both bad input and fs.ErrNotExist.
func (e *missingError) Unwrap() []error { return []error{ErrInput, fs.ErrNotExist} }
