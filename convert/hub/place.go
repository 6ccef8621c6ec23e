package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hfcache"
)

// place is where the files of a repository go.
type place interface {
	// has reports whether a file is there whole.
	has(f File) bool
	// lock keeps other programs from fetching a file.
	lock(ctx context.Context, f File, waiting func()) (release func(), err error)
	// paths are where a file is put together, and what it is called when it is whole.
	paths(f File) (temp, path string)
	// finish is called when a file has been there, or is there now.
	finish(f File) error
	// complete is called when all files are there.
	complete() error
	// dir is the folder that the files are in, by their names.
	dir() string
}

// cachePlace is huggingface_hub's cache.
type cachePlace struct {
	root string
	repo *Repo
}

func (p *cachePlace) folder() string { return filepath.Join(p.root, hfcache.Folder(p.repo.Ref.ID)) }

func (p *cachePlace) dir() string { return filepath.Join(p.folder(), "snapshots", p.repo.Commit) }

func (p *cachePlace) pointer(f File) string {
	return filepath.Join(p.dir(), filepath.FromSlash(f.Path))
}

func (p *cachePlace) has(f File) bool {
	return fetch.OfSize(p.pointer(f), f.Size) || fetch.OfSize(p.blob(f), f.Size)
}

func (p *cachePlace) blob(f File) string { return filepath.Join(p.folder(), "blobs", f.Sum) }

func (p *cachePlace) lock(ctx context.Context, f File, waiting func()) (func(), error) {
	return fetch.Lock(ctx, filepath.Join(p.root, ".locks", hfcache.Folder(p.repo.Ref.ID), f.Sum+".lock"), waiting)
}

func (p *cachePlace) paths(f File) (temp, path string) {
	return p.blob(f) + ".carat-partial", p.blob(f)
}

// finish gives the blob its name in the snapshot: a link, or the file itself where there are no links.
func (p *cachePlace) finish(f File) error {
	pointer, blob := p.pointer(f), p.blob(f)
	if fetch.OfSize(pointer, f.Size) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(pointer), 0o777); err != nil {
		return err
	}
	to, err := filepath.Rel(filepath.Dir(pointer), blob)
	if err != nil {
		return err
	}
	if err := os.Remove(pointer); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if os.Symlink(to, pointer) == nil {
		return nil
	}
	if err := os.Link(blob, pointer); err == nil {
		return nil
	}
	return os.Rename(blob, pointer) // as huggingface_hub does
}

// complete notes which commit the revision is at. Who asks for the revision finds the whole snapshot.
func (p *cachePlace) complete() error {
	revision := p.repo.Ref.revision()
	if revision == p.repo.Commit {
		return nil
	}
	ref := filepath.Join(p.folder(), "refs", filepath.FromSlash(revision))
	if b, err := os.ReadFile(ref); err == nil && string(b) == p.repo.Commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(ref), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(ref, []byte(p.repo.Commit))
}

// folderPlace is a folder of the user's.
type folderPlace struct{ to string }

// partials is the folder for files under way in the user's.
const partials = ".carat-pull"

func (p *folderPlace) dir() string { return p.to }

func (p *folderPlace) path(f File) string { return filepath.Join(p.to, filepath.FromSlash(f.Path)) }

func (p *folderPlace) has(f File) bool {
	if !fetch.OfSize(p.path(f), f.Size) {
		return false
	}
	r, err := os.Open(p.path(f))
	if err != nil {
		return false
	}
	defer r.Close()
	return f.verify(r) == nil
}

func (p *folderPlace) lock(ctx context.Context, f File, waiting func()) (func(), error) {
	return fetch.Lock(ctx, filepath.Join(p.to, partials, f.Sum+".lock"), waiting)
}

func (p *folderPlace) paths(f File) (temp, path string) {
	return filepath.Join(p.to, partials, f.Sum+".partial"), p.path(f)
}

func (p *folderPlace) finish(File) error { return nil }

func (p *folderPlace) complete() error { return os.RemoveAll(filepath.Join(p.to, partials)) }
