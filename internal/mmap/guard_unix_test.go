//go:build unix

package mmap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cut maps a file of 4 pages and leaves one of them.
func cut(t *testing.T) []byte {
	t.Helper()
	page := os.Getpagesize()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	_, err = f.Write(make([]byte, 4*page))
	require.NoError(t, err)
	b, err := Map(f, int64(4*page), func(at int64) error { return fmt.Errorf("page %d", at/int64(page)) })
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, Unmap(b)) })
	require.NoError(t, f.Truncate(int64(page)))
	return b
}

var sum byte

func TestGuard(t *testing.T) {
	b, other := cut(t), cut(t)
	page := os.Getpagesize()
	read := func(b []byte, i int) func() error {
		return func() error { sum += b[i]; return nil }
	}
	require.NoError(t, Guard(read(b, page-1)))
	require.EqualError(t, Guard(read(b, 3*page+1)), "page 3")
	require.EqualError(t, Guard(read(other, page)), "page 1")
	require.EqualError(t, Guard(func() error { // the outer one still guards when an inner one has ended
		require.NoError(t, Guard(read(b, 0)))
		return read(b, 2*page)()
	}), "page 2")
	require.EqualError(t, Guard(func() error { return errors.New("its own") }), "its own")
}

// TestGuardOther: what is not of a mapped file stays a panic, also when it is a fault.
func TestGuardOther(t *testing.T) {
	require.PanicsWithValue(t, "mine", func() { _ = Guard(func() error { panic("mine") }) })
	var none *[10]byte
	require.Panics(t, func() { _ = Guard(func() error { sum += none[1]; return nil }) })
}

func TestWorker(t *testing.T) {
	b := cut(t)
	worker := func(f func()) func() error {
		return func() error {
			done := make(chan any)
			go func() { done <- Worker(f) }()
			if r := <-done; r != nil {
				panic(r)
			}
			return nil
		}
	}
	require.NoError(t, Guard(worker(func() { sum += b[0] })))
	require.EqualError(t, Guard(worker(func() { sum += b[2*os.Getpagesize()] })), "page 2")
	require.Contains(t, Worker(func() { panic("mine") }), "mine\n\ngoroutine", "with the worker's stack")
}
