package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// Batch is the files of one run. They get their names together, in Commit, or not at all. The zero value is empty.
type Batch struct{ files []*File }

// Add puts a file into the batch; from then on only the batch commits or aborts it.
func (b *Batch) Add(files ...*File) { b.files = append(b.files, files...) }

// WriteFile adds a file with that content.
func (b *Batch) WriteFile(path string, content []byte) error {
	a, err := Create(path, int64(len(content)))
	if err != nil {
		return err
	}
	b.Add(a)
	_, err = a.WriteAt(content, 0)
	return err
}

// Adopt adds a file that is whole and durable, such as one of Commit, which shall be renamed within its file system.
// Abort leaves it where it is.
func (b *Batch) Adopt(from, to string) error {
	target, err := resolve(to)
	if err == nil {
		b.Add(&File{name: to, target: target, temp: from})
	}
	return err
}

// Names lists the paths in the batch.
func (b *Batch) Names() []string {
	names := make([]string, len(b.files))
	for i, a := range b.files {
		names[i] = a.name
	}
	return names
}

// Commit gives the files their names: see CommitAll.
func (b *Batch) Commit() error { return CommitAll(b.files) }

// Abort gives up and leaves nothing. After Commit it does nothing, so it can be deferred.
func (b *Batch) Abort() (err error) {
	for _, a := range b.files {
		err = errors.Join(err, a.Abort())
	}
	return err
}

// CommitAll commits files that belong together: all are durable before the first one gets its name. When one cannot be
// made durable or named none stays, and what they replaced is back where it was.
func CommitAll(files []*File) (err error) {
	seen := map[string]bool{}
	for _, a := range files {
		if a.done {
			return errors.New("atomicfile: Commit after Commit or Abort")
		}
		if seen[a.target] {
			err = fmt.Errorf("%s would be written twice", a.name)
		}
		seen[a.target] = true
	}
	for _, a := range files {
		if err == nil {
			err = a.explain(a.seal())
		}
	}
	for i, a := range files {
		if err != nil {
			break
		}
		if err = a.explain(a.publish(len(files) > 1)); err != nil {
			for _, named := range slices.Backward(files[:i]) {
				err = errors.Join(err, named.explain(named.takeBack()))
			}
		}
	}
	if err != nil {
		for _, a := range files {
			err = errors.Join(err, a.Abort())
		}
		return err
	}
	folders := map[string]bool{}
	for _, a := range files {
		a.finish()
		if dir := filepath.Dir(a.target); !folders[dir] {
			folders[dir] = true
			syncDir(dir)
		}
	}
	return nil
}

// seal makes the content durable. The file was private while it was written; an output is as open as the umask allows.
func (a *File) seal() error {
	if a.f == nil {
		return nil
	}
	a.settle()
	err := errors.Join(a.f.Chmod(0o666&^umask()), a.sync())
	if runtime.GOOS == "windows" { // renames no file that is open
		err = errors.Join(err, a.f.Close())
	}
	return err
}

// beginSync lets the disk write all that is left, while something else is done.
func (a *File) beginSync() {
	if a.synced == nil {
		a.synced = make(chan error, 1)
		go func() { a.synced <- a.f.Sync() }()
	}
}

// sync makes the content durable. What goes wrong is told once only, to the first who asks.
func (a *File) sync() (err error) {
	if a.synced != nil {
		err = <-a.synced
	}
	return errors.Join(err, a.f.Sync())
}

// publish gives the file its name. What it replaces can be brought back by takeBack only if keeping is asked for, and
// where the file system has hard links.
func (a *File) publish(keeping bool) (err error) {
	if keeping {
		a.kept, a.release = keep(a.target)
	}
	if a.temp == "" {
		if linkNameless(a.f, a.target) == nil {
			return nil
		}
		// The name is taken; what else may be wrong the next step will say.
		if a.temp, err = linkTemporary(a.f, a.target); err != nil {
			return err
		}
	}
	if err := os.Rename(a.temp, a.target); err != nil {
		return err
	}
	a.from, a.temp = a.temp, ""
	return nil
}

// takeBack undoes publish.
func (a *File) takeBack() error {
	if a.f == nil { // Adopt
		a.temp = a.from
		if err := os.Rename(a.target, a.from); err != nil {
			return err
		}
	}
	if a.kept == "" {
		if a.f == nil {
			return nil
		}
		return os.Remove(a.target)
	}
	kept := a.kept
	a.kept = ""
	defer a.release()
	return os.Rename(kept, a.target)
}

// finish ends a commit that succeeded.
func (a *File) finish() {
	a.done = true
	if a.f != nil {
		_ = a.f.Close()
	}
	a.forget()
}

// forget removes what publish kept.
func (a *File) forget() {
	if a.kept != "" {
		_ = os.Remove(a.kept)
		a.release()
		a.kept = ""
	}
}

// keep gives the file at target, if there is one, a second name until release.
func keep(target string) (name string, release func()) {
	none := func() {}
	f, err := os.Open(target)
	if err != nil {
		return "", none
	}
	if !lock(f) {
		_ = f.Close()
		return "", none
	}
	for range attempts {
		name = temporaryName(target)
		if err = os.Link(target, name); !errors.Is(err, os.ErrExist) {
			break
		}
	}
	if err != nil || runtime.GOOS == "windows" {
		_ = f.Close()
	}
	if err != nil {
		return "", none
	}
	return name, func() { _ = f.Close() }
}
