package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Streamed is a checkpoint whose weights stay on the hub, or a GGUF file.
type Streamed struct {
	Path    string                 // the folder of its other files, in the cache; or the name of the GGUF file, which is nowhere
	Weights *safetensors.Elsewhere // for convert.Options
}

// Stream fetches the small files of a checkpoint, as Pull does, and opens its weights, or the GGUF files that r means, to be read range by
// range until ctx ends. Of each range the hub's word is compared that it is of the same commit and file (its checksum and size), and that the
// host's file has not changed (ETag); the checksum itself cannot be, since no file is read in order.
func (c *Client) Stream(ctx context.Context, r Ref, o PullOptions) (*Streamed, error) {
	repo, err := c.Repo(ctx, r)
	if err != nil {
		return nil, err
	}
	files, err := c.Choose(ctx, repo, nil)
	if err != nil {
		return nil, err
	}
	weights := map[string]File{} // by the ends of their paths
	var names []string
	path := ""
	small := slices.DeleteFunc(slices.Clone(files), func(f File) bool {
		switch {
		case strings.HasSuffix(strings.ToLower(f.Path), ".gguf"):
			name := filepath.Join(filepath.FromSlash(r.ID), filepath.FromSlash(f.Path))
			if path == "" {
				path = name // of a split the first
			}
			names = append(names, name)
		case strings.Contains(f.Path, "/") || !strings.HasSuffix(f.Path, ".safetensors") || strings.HasPrefix(f.Path, "adapter"):
			return false
		default:
			names = append(names, f.Path)
		}
		weights[filepath.Base(names[len(names)-1])] = f
		return true
	})
	if len(weights) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%w: %s: only safetensors and GGUF files can be read while they are on the hub", gguf.ErrInput, r), "carat pull %s", r)
	}
	if path == "" {
		p, err := c.pull(ctx, repo, small, o)
		if err != nil {
			return nil, err
		}
		path = p.Folder
	}
	cache := newBlocks(c.Connections)
	open := func(path string) (*inputfile.File, error) {
		f, ok := weights[filepath.Base(path)]
		if !ok {
			return nil, fmt.Errorf("%w: %s: the repository has no such file", gguf.ErrInput, path)
		}
		ctx, cancel := context.WithCancel(ctx)
		far := &remote{ctx, cancel, &fetcher{c: c, repo: repo, file: f, strict: true}, cache, c.block, ahead}
		if o.Headers {
			far.block, far.ahead = min(far.block, headerSize), 0
		}
		return inputfile.From(path, f.Size, far), nil
	}
	return &Streamed{path, &safetensors.Elsewhere{Names: names, Open: open}}, nil
}

// remote is a file of the hub.
type remote struct {
	ctx    context.Context
	cancel context.CancelFunc
	f      *fetcher
	cache  *blocks
	block  int64 // bytes that are fetched at a time
	ahead  int64 // blocks that are fetched before they are asked for
}

// ReadAt implements io.ReaderAt.
func (r *remote) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		b, err := r.cache.get(r, at/r.block)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b[at%r.block:])
	}
	return n, nil
}

// Unchanged implements inputfile.Source: every range was asked for at one commit.
func (r *remote) Unchanged() error { return nil }

// Close implements io.Closer.
func (r *remote) Close() error {
	r.cancel()
	return nil
}

// fetch gets block i, or what is left of the file there.
func (r *remote) fetch(i int64) ([]byte, error) {
	begin := i * r.block
	b := make([]byte, min(r.block, r.f.file.Size-begin))
	n := 0
	err := r.f.c.Again(r.ctx, r.f.file.Path, func() (bool, error) {
		got, err := r.f.fill(r.ctx, b[n:], begin+int64(n))
		n += got
		return got > 0, err
	})
	if errors.Is(err, fetch.ErrNoRanges) {
		err = hint.Wrap(fmt.Errorf("%w: %s: %w", gguf.ErrInput, r.f.file.Path, err), "carat pull %s", r.f.repo.Ref)
	}
	return b, r.f.c.explain(r.f.repo.Ref, err)
}

// fill reads as many bytes from off on as come.
func (f *fetcher) fill(ctx context.Context, b []byte, off int64) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := f.open(ctx, off, off+int64(len(b)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	r, stop := f.c.Watch(body, cancel)
	defer stop()
	return io.ReadFull(r, b)
}

const (
	blockSize  = 8 << 20 // bytes of a range
	headerSize = 1 << 20 // of a range where only headers are read: those of safetensors have some 100 KB, those of GGUF files some MB
	maxBlocks  = 32      // that are held: 256 MiB
	ahead      = 3       // blocks that are fetched before they are asked for
)

// blocks holds the blocks that were read last, of all files. Each is fetched once at a time, however many ask for it.
type blocks struct {
	slots chan struct{}
	mu    sync.Mutex
	held  map[blockKey]*block
	clock int64
}

type blockKey struct {
	file *remote
	i    int64
}

type block struct {
	ready chan struct{} // closed when data or err is there
	data  []byte
	err   error
	used  int64
}

func newBlocks(connections int) *blocks {
	return &blocks{slots: make(chan struct{}, connections), held: map[blockKey]*block{}}
}

// get waits for block i of a file, and has those behind it fetched.
func (c *blocks) get(r *remote, i int64) ([]byte, error) {
	b := c.begin(r, i)
	for next := i + 1; next <= i+r.ahead && next*r.block < r.f.file.Size; next++ {
		c.begin(r, next)
	}
	select {
	case <-b.ready:
		return b.data, b.err
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// begin returns block i, which is there or on its way.
func (c *blocks) begin(r *remote, i int64) *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := blockKey{r, i}
	c.clock++
	if b := c.held[key]; b != nil {
		b.used = c.clock
		return b
	}
	b := &block{ready: make(chan struct{}), used: c.clock}
	c.held[key] = b
	c.evict()
	go func() {
		defer close(b.ready)
		select {
		case c.slots <- struct{}{}:
			b.data, b.err = r.fetch(i)
			<-c.slots
		case <-r.ctx.Done():
			b.err = r.ctx.Err()
		}
		if b.err != nil {
			c.mu.Lock()
			delete(c.held, key)
			c.mu.Unlock()
		}
	}()
	return b
}

// evict lets go of the block that was asked for longest ago, if there are too many.
func (c *blocks) evict() {
	if len(c.held) <= maxBlocks {
		return
	}
	var oldest blockKey
	var found *block
	for key, b := range c.held {
		select {
		case <-b.ready:
			if found == nil || b.used < found.used {
				oldest, found = key, b
			}
		default: // on its way
		}
	}
	if found != nil {
		delete(c.held, oldest)
	}
}
