package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Scratch is a folder of large files that are needed for the length of a run. It is locked as temporary files are: when
// its process was killed, the next Scratch of the same place removes it. Where files need no names, the folder holds
// links to them only, and their space is free as soon as the process ends.
type Scratch struct {
	dir  string
	lock *os.File
	held map[string]*File
}

// NewScratch makes a folder in parent, or in the system's folder for temporary files when parent is empty. prefix begins
// its name.
func NewScratch(parent, prefix string) (*Scratch, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeDeadFolders(parent, prefix)
	var err error
	for range attempts {
		var dir string
		if dir, err = os.MkdirTemp(parent, prefix+strconv.Itoa(os.Getpid())+"-*"); err != nil {
			return nil, err
		}
		var f *os.File
		if f, err = os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			continue
		}
		lock(f)
		if _, err = os.Stat(f.Name()); err == nil {
			return &Scratch{dir: dir, lock: f, held: map[string]*File{}}, nil
		}
		_ = f.Close() // another process took the folder for dead before it was locked
	}
	return nil, err
}

const lockName = ".lock"

// Path is that of a file in the folder.
func (s *Scratch) Path(name string) string { return filepath.Join(s.dir, name) }

// Hold lets files that were created in the folder, and are whole, be read at their paths. When it fails all are gone.
func (s *Scratch) Hold(files ...*File) error {
	for i, a := range files {
		var err error
		if a.temp != "" {
			err = a.Commit()
		} else if err = a.explain(os.Symlink(descriptor(a.f), a.target)); err == nil {
			s.held[a.name] = a
		}
		if err != nil {
			for _, rest := range files[i:] {
				err = errors.Join(err, rest.Abort())
			}
			return err
		}
	}
	return nil
}

// Move adds the file at path in the folder to b, which gives it the name to.
func (s *Scratch) Move(path, to string, b *Batch) error {
	a := s.held[path]
	if a == nil {
		return b.Adopt(path, to)
	}
	target, err := resolve(to)
	if err != nil {
		return err
	}
	a.name, a.target = to, target
	b.Add(a)
	delete(s.held, path)
	return nil
}

// Close removes the folder and what is in it. It does nothing for nil.
func (s *Scratch) Close() error {
	if s == nil {
		return nil
	}
	var err error
	for _, a := range s.held {
		err = errors.Join(err, a.Abort())
	}
	return errors.Join(err, s.lock.Close(), os.RemoveAll(s.dir))
}

// removeDeadFolders removes the folders of killed processes. Nothing depends on it.
func removeDeadFolders(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		pid, _, two := strings.Cut(rest, "-")
		owner, err := strconv.Atoi(pid)
		if !ok || !two || err != nil || !e.IsDir() {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		at := filepath.Join(dir, lockName)
		if _, err := os.Lstat(at); err != nil {
			continue // not ours, or just being made
		}
		if removeIfDead(at, owner); errors.Is(lstat(at), os.ErrNotExist) {
			_ = os.RemoveAll(dir)
		}
	}
}

func lstat(path string) error {
	_, err := os.Lstat(path)
	return err
}
