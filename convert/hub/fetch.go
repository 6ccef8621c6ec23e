package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"golang.org/x/sync/errgroup"
)

// fetcher brings one file.
type fetcher struct {
	c       *Client
	repo    *Repo
	file    File
	slots   chan struct{} // one for each connection that is allowed
	arrived func(n int64)
	strict  bool // no checksum is compared in the end: the ETag must stay

	mu       sync.Mutex
	etag     string // of the file itself, as the host that has it says
	restarts int
	told     atomic.Int64 // what arrived was told
}

// count tells that n more bytes have arrived, or that -n are to be fetched again.
func (f *fetcher) count(n int64) {
	f.told.Add(n)
	f.arrived(n)
}

// errNoRanges is that of a host which sends the whole file when a part was asked for.
var errNoRanges = final(errors.New("the host does not send parts of files"))

// to fetches the file to path, by way of the file at temp. Bytes that an earlier run left there are not fetched again, unless
// the whole turns out wrong.
func (f *fetcher) to(ctx context.Context, temp, path string) error {
	for chunk, fresh := f.c.chunk, false; ; {
		resumed, err := f.attempt(ctx, temp, path, chunk, fresh)
		var sum *sumError
		switch {
		case errors.Is(err, errNoRanges) && chunk < f.file.Size:
			chunk, fresh = f.file.Size, true // all in one
		case errors.As(err, &sum) && resumed:
			fresh = true
		default:
			return err
		}
	}
}

// attempt reports whether bytes of an earlier run were taken.
func (f *fetcher) attempt(ctx context.Context, temp, path string, chunk int64, fresh bool) (resumed bool, err error) {
	p, err := openPartial(temp, f.file.Size, max(1, chunk))
	if err != nil {
		return false, err
	}
	if fresh {
		err = p.reset()
	}
	resumed = p.found > 0
	f.count(p.found - f.told.Load())
	if err == nil {
		err = f.chunks(ctx, p)
	}
	if err == nil {
		err = p.finish(f.file, path)
	}
	var sum *sumError
	switch {
	case err == nil:
		return resumed, nil
	case errors.As(err, &sum), errors.Is(err, errNoRanges):
		return resumed, errors.Join(err, p.remove())
	}
	return resumed, errors.Join(err, p.close())
}

// chunks fetches what is missing, several chunks at a time.
func (f *fetcher) chunks(ctx context.Context, p *partial) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range p.done {
		if begin, end := p.missing(i); begin == end {
			continue
		}
		select {
		case f.slots <- struct{}{}:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), group.Wait())
		}
		group.Go(func() error {
			defer func() { <-f.slots }()
			return f.c.explain(f.repo.Ref, f.c.again(ctx, f.file.Path, func() (bool, error) { return f.part(ctx, p, i) }))
		})
	}
	return group.Wait()
}

// part fetches the rest of chunk i, or as much as comes.
func (f *fetcher) part(ctx context.Context, p *partial, i int) (progress bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin, end := p.missing(i)
	body, err := f.open(ctx, begin, end)
	if errors.Is(err, errNoRanges) && len(p.done) == 1 && f.restarts < attempts {
		f.restarts++
		f.count(-f.told.Load())
		return false, errors.Join(p.reset(), errors.New("the connection ended early, and the host does not send the rest alone"))
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	r, stop := f.c.watch(body, cancel)
	defer stop()
	buf := make([]byte, 256<<10)
	for begin < end {
		n, err := r.Read(buf[:min(int64(len(buf)), end-begin)])
		if n > 0 {
			if err := p.add(i, buf[:n]); err != nil {
				return progress, final(err)
			}
			f.count(int64(n))
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

// open asks for the bytes from begin to end.
func (f *fetcher) open(ctx context.Context, begin, end int64) (io.ReadCloser, error) {
	whole := begin == 0 && end == f.file.Size
	header := http.Header{}
	f.mu.Lock()
	etag := f.etag
	f.mu.Unlock()
	if !whole {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", begin, end-1))
		if strong(etag) {
			header.Set("If-Range", etag)
		}
	}
	resp, err := f.c.ask(ctx, f.c.address(f.repo, f.file), header)
	if err != nil {
		return nil, err
	}
	if err := f.check(resp, begin, end, whole, etag); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}

func strong(etag string) bool { return len(etag) > 2 && etag[0] == '"' }

// check compares an answer with what was asked for.
func (f *fetcher) check(resp *http.Response, begin, end int64, whole bool, etag string) error {
	wrong := func(what string, got, want any) error {
		return fmt.Errorf("%w: %s: the answer is about another file: %s is %v, expected %v", gguf.ErrInput, f.file.Path, what, got, want)
	}
	for r := resp; r != nil; r = r.Request.Response { // the hub's own answer is the one before the redirects
		if got := r.Header.Get("X-Repo-Commit"); got != "" && got != f.repo.Commit {
			return final(wrong("its commit", got, f.repo.Commit))
		}
		if got := unquote(r.Header.Get("X-Linked-Etag")); got != "" && got != f.file.Sum {
			return final(wrong("its checksum", got, f.file.Sum))
		}
	}
	got := resp.Header.Get("ETag")
	f.mu.Lock()
	if f.strict && etag == "" {
		etag = f.etag // of another range, which was asked for at the same time
	}
	if !f.strict || etag == "" {
		f.etag = got
	}
	f.mu.Unlock()
	if etag != "" && got != etag && f.strict {
		return final(wrong("the ETag", got, etag))
	}
	if etag != "" && got != "" && got != etag { // of another host, maybe, which the next attempt agrees with
		return wrong("the ETag", got, etag)
	}
	if resp.StatusCode == http.StatusOK {
		if !whole {
			return errNoRanges
		}
		if resp.ContentLength >= 0 && resp.ContentLength != f.file.Size {
			return wrong("its size", resp.ContentLength, f.file.Size)
		}
	} else {
		want := fmt.Sprintf("bytes %d-%d/%d", begin, end-1, f.file.Size)
		if got := resp.Header.Get("Content-Range"); got != want || whole {
			return wrong("the range", got, want)
		}
	}
	return nil
}

// unquote is an ETag without its quotes, and without the mark of a weak one.
func unquote(etag string) string {
	if len(etag) > 2 && etag[:2] == "W/" {
		etag = etag[2:]
	}
	if len(etag) > 1 && etag[0] == '"' && etag[len(etag)-1] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}
