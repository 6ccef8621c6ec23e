package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Lock waits until no other process holds the file at path, which huggingface_hub locks in the same way, and holds it until
// release. waiting, if not nil, is called once when it is held.
func Lock(ctx context.Context, path string, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o664)
		if err != nil {
			return nil, err
		}
		held := tryLock(f)
		if held && current(f, path) {
			return func() { _ = f.Close() }, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		if held {
			continue // who had it removed its name
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// current reports whether f is the file at path.
func current(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errors.Join(errA, errB) == nil && os.SameFile(a, b)
}
