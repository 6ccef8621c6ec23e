// Package fetch downloads large files over HTTP: in ranges, several at a time, gone on with after an interruption, and named only
// when their checksum is right.
//
//	f := fetch.New()
//	if err := fetch.Room(dir, file.Size-f.Left(temp, file.Size)); err != nil { ... }
//	err := f.Fetch(ctx, slots, file, temp, path)
//
// Where the bytes come from is the caller's: [File.Open] asks for a range. What it refuses with a [StatusError] that may pass, as
// 429, and connections that break or bring nothing, are tried again. Bytes are written to temp, which says what it holds; the
// next run takes them over, and the checksum of the whole file has the last word.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Fetcher says how files are fetched. Its methods may be called by several goroutines.
type Fetcher struct {
	// Note, if not nil, is told why something is tried again.
	Note func(string)

	Connections int           // at a time
	Chunk       int64         // bytes of a range
	Stall       time.Duration // how long a connection may bring nothing
	Pause       func(context.Context, time.Duration) error
}

// New makes a Fetcher: 8 connections, ranges of 64 MiB, and a minute of patience.
func New() Fetcher {
	return Fetcher{Connections: 8, Chunk: 64 << 20, Stall: time.Minute, Pause: pause}
}

// File is one to fetch.
type File struct {
	Name string // in messages
	Size int64
	// Open asks for the bytes from begin to end: ErrNoRanges says that only all of them can be had.
	Open func(ctx context.Context, begin, end int64) (io.ReadCloser, error)
	// Verify reads the whole file. A *SumError says that it has other bytes than it should.
	Verify func(io.Reader) error
	// Explain, if not nil, says what a refusal means.
	Explain func(error) error
	// Arrived is told that n more bytes are there, or that -n are to be fetched again.
	Arrived func(n int64)
}

// ErrNoRanges is that of a host which sends the whole file when a part was asked for.
var ErrNoRanges = Final(errors.New("the host does not send parts of files"))

// SumError is that of a file which is not what it should be.
type SumError struct{ Err error }

func (e *SumError) Error() string { return e.Err.Error() }

func (e *SumError) Unwrap() error { return e.Err }

// job is one file under way.
type job struct {
	*Fetcher
	file     File
	slots    chan struct{}
	told     atomic.Int64 // what Arrived was told
	restarts int
}

// Fetch brings a file to path, by way of temp. Bytes that an earlier run left there are not fetched again, unless the whole turns
// out wrong. slots has room for as many connections as all files together may use.
func (f *Fetcher) Fetch(ctx context.Context, slots chan struct{}, file File, temp, path string) error {
	j := &job{Fetcher: f, file: file, slots: slots}
	for chunk, fresh := f.Chunk, false; ; {
		resumed, err := j.attempt(ctx, temp, path, chunk, fresh)
		var sum *SumError
		switch {
		case errors.Is(err, ErrNoRanges) && chunk < file.Size:
			chunk, fresh = file.Size, true // all in one
		case errors.As(err, &sum) && resumed:
			fresh = true
		default:
			return err
		}
	}
}

// Left is how much of a file of size bytes an earlier run has left at temp.
func (f *Fetcher) Left(temp string, size int64) int64 {
	if _, err := os.Lstat(temp); err != nil {
		return 0
	}
	p, err := openPartial(temp, size, max(1, f.Chunk))
	if err != nil {
		return 0
	}
	defer p.f.Close()
	return p.found
}

func (j *job) count(n int64) {
	j.told.Add(n)
	j.file.Arrived(n)
}

// attempt reports whether bytes of an earlier run were taken.
func (j *job) attempt(ctx context.Context, temp, path string, chunk int64, fresh bool) (resumed bool, err error) {
	p, err := openPartial(temp, j.file.Size, max(1, chunk))
	if err != nil {
		return false, err
	}
	if fresh {
		err = p.reset()
	}
	resumed = p.found > 0
	j.count(p.found - j.told.Load())
	if err == nil {
		err = j.chunks(ctx, p)
	}
	if err == nil {
		err = p.finish(j.file.Verify, path)
	}
	var sum *SumError
	switch {
	case err == nil:
		return resumed, nil
	case errors.As(err, &sum), errors.Is(err, ErrNoRanges):
		return resumed, errors.Join(err, p.remove())
	}
	return resumed, errors.Join(err, p.close())
}

// chunks fetches what is missing, several chunks at a time.
func (j *job) chunks(ctx context.Context, p *partial) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range p.done {
		if begin, end := p.missing(i); begin == end {
			continue
		}
		select {
		case j.slots <- struct{}{}:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), group.Wait())
		}
		group.Go(func() error {
			defer func() { <-j.slots }()
			err := j.Again(ctx, j.file.Name, func() (bool, error) { return j.part(ctx, p, i) })
			if j.file.Explain != nil {
				err = j.file.Explain(err)
			}
			return err
		})
	}
	return group.Wait()
}

// part fetches the rest of chunk i, or as much as comes.
func (j *job) part(ctx context.Context, p *partial, i int) (progress bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin, end := p.missing(i)
	body, err := j.file.Open(ctx, begin, end)
	if errors.Is(err, ErrNoRanges) && len(p.done) == 1 && j.restarts < attempts {
		j.restarts++
		j.count(-j.told.Load())
		return false, errors.Join(p.reset(), errors.New("the connection ended early, and the host does not send the rest alone"))
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	r, stop := j.Watch(body, cancel)
	defer stop()
	buf := make([]byte, 256<<10)
	for begin < end {
		n, err := r.Read(buf[:min(int64(len(buf)), end-begin)])
		if n > 0 {
			if err := p.add(i, buf[:n]); err != nil {
				return progress, Final(err)
			}
			j.count(int64(n))
			begin += int64(n)
			progress = true
		}
		if err != nil && begin < end {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the connection ended %d bytes early", end-begin)
			}
			return progress, err
		}
	}
	return progress, nil
}
