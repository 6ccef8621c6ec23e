package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
)

// fetcher asks for ranges of one file.
type fetcher struct {
	c      *Client
	repo   *Repo
	file   File
	strict bool // no checksum is compared in the end: the ETag must stay

	mu   sync.Mutex
	etag string // of the file itself, as the host that has it says
}

// of is the file as package fetch takes it.
func (f *fetcher) of(arrived func(n int64)) fetch.File {
	return fetch.File{
		Name: f.file.Path, Size: f.file.Size, Open: f.open, Verify: f.file.verify, Arrived: arrived,
		Explain: func(err error) error { return f.c.explain(f.repo.Ref, err) },
	}
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
			return fetch.Final(wrong("its commit", got, f.repo.Commit))
		}
		if got := unquote(r.Header.Get("X-Linked-Etag")); got != "" && got != f.file.Sum {
			return fetch.Final(wrong("its checksum", got, f.file.Sum))
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
		return fetch.Final(wrong("the ETag", got, etag))
	}
	if etag != "" && got != "" && got != etag { // of another host, maybe, which the next attempt agrees with
		return wrong("the ETag", got, etag)
	}
	if resp.StatusCode == http.StatusOK {
		if !whole {
			return fetch.ErrNoRanges
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
