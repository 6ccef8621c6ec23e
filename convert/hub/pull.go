package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/internal/hfcache"
	"golang.org/x/sync/errgroup"
)

// PullOptions say what is fetched, and where to.
type PullOptions struct {
	Include  []string // patterns of names, in place of what carat reads
	Folder   string   // in place of the hub's cache
	Progress func(done, total int64)
	Headers  bool // of Stream: only headers will be read, so that little is fetched at a time
}

// Pulled is what Pull made sure is there.
type Pulled struct {
	Repo    *Repo
	Folder  string // the files are in it, by their names
	Files   []PulledFile
	Bytes   int64 // of all files
	Fetched int64 // of those that were not there
}

// PulledFile is one of the files.
type PulledFile struct {
	File
	Fetched bool // false: it was there
}

// Pull makes sure that files of a repository are in the hub's cache, or in a folder. Each is fetched under another name and
// gets its own when its checksum is right; what an interrupted run has of it is gone on with.
func (c *Client) Pull(ctx context.Context, r Ref, o PullOptions) (*Pulled, error) {
	repo, err := c.Repo(ctx, r)
	if err != nil {
		return nil, err
	}
	files, err := c.Choose(ctx, repo, o.Include)
	if err != nil {
		return nil, err
	}
	return c.pull(ctx, repo, files, o)
}

func (c *Client) pull(ctx context.Context, repo *Repo, files []File, o PullOptions) (*Pulled, error) {
	var to place = &folderPlace{o.Folder}
	if o.Folder == "" {
		root, err := hfcache.Root()
		if err != nil {
			return nil, err
		}
		to = &cachePlace{root, repo}
	}
	out := &Pulled{Repo: repo, Folder: to.dir()}
	var need int64
	for _, f := range files {
		fetched := !to.has(f)
		if fetched {
			out.Fetched += f.Size
			temp, _ := to.paths(f)
			need += f.Size - c.Left(temp, f.Size)
		}
		out.Bytes += f.Size
		out.Files = append(out.Files, PulledFile{f, fetched})
	}
	if err := fetch.Room(out.Folder, need); err != nil {
		return nil, err
	}
	var done atomic.Int64
	arrived := func(n int64) {
		if all := done.Add(n); o.Progress != nil {
			o.Progress(all, out.Fetched)
		}
	}
	slots := make(chan struct{}, c.Connections)
	alike := map[string]*sync.Mutex{} // files with the same bytes are one blob
	for _, f := range files {
		alike[f.Sum] = new(sync.Mutex)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Connections)
	for i := range out.Files {
		f := &out.Files[i]
		group.Go(func() error {
			alike[f.Sum].Lock()
			defer alike[f.Sum].Unlock()
			return c.bring(groupCtx, repo, f, to, slots, arrived)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, to.complete()
}

// bring makes sure that one file is there.
func (c *Client) bring(ctx context.Context, repo *Repo, file *PulledFile, to place, slots chan struct{}, arrived func(int64)) error {
	release, err := to.lock(ctx, file.File, func() {
		if c.Note != nil {
			c.Note(fmt.Sprintf("%s: waiting for another program that fetches it", file.Path))
		}
	})
	if err != nil {
		return err
	}
	defer release()
	switch {
	case !file.Fetched:
	case to.has(file.File): // the other program has fetched it
		arrived(file.Size)
	default:
		temp, path := to.paths(file.File)
		for _, p := range []string{temp, path} {
			if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
				return err
			}
		}
		f := &fetcher{c: c, repo: repo, file: file.File}
		if err := c.Fetch(ctx, slots, f.of(arrived), temp, path); err != nil {
			return err
		}
	}
	return to.finish(file.File)
}
