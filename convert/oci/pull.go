package oci

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// PullOptions say what is fetched, and where to.
type PullOptions struct {
	Folder   string // "" is the cache
	Attached bool   // also what refers to the model, statements and inventories, in the folder attached
	Progress func(done, total int64)
}

// Pulled is what Pull made sure is there.
type Pulled struct {
	Digest  string // of the manifest
	Folder  string // the files are in it, by their names
	Files   []PulledFile
	Unknown []string // media types of layers that were left out
	Bytes   int64    // of all files
	Fetched int64    // of those that were not there
}

// PulledFile is one of the files.
type PulledFile struct {
	Name    string // in the folder
	Type    string // media type
	Digest  string
	Bytes   int64
	Fetched bool // false: it was there
}

const (
	partials       = ".carat-pull" // the folder for files under way
	attachedFolder = "attached"    // for what refers to the model: who may add that may not have made the model
)

// Pull makes sure that the files of an artifact are in a folder. Each is fetched under another name and gets its own when its
// digest is right; what an interrupted run has of it is gone on with. A layout needs a folder.
func (c *Client) Pull(ctx context.Context, r Ref, o PullOptions) (*Pulled, error) {
	src, err := c.source(r)
	if err != nil {
		return nil, err
	}
	doc, err := src.manifest(ctx)
	if err != nil {
		return nil, err
	}
	files, unknown, err := model(doc, r)
	if err != nil {
		return nil, err
	}
	if o.Attached {
		more, err := c.attachments(ctx, src, r, doc.Digest)
		if err != nil {
			return nil, err
		}
		for _, f := range more {
			f.name = free(files, attachedFolder+"/"+f.name)
			files = append(files, f)
		}
	}
	out := &Pulled{Digest: string(doc.Digest), Unknown: unknown, Folder: o.Folder}
	if o.Folder != "" {
		return out, c.pull(ctx, src, files, o, out)
	}
	root, err := CacheRoot()
	if err != nil {
		return nil, err
	}
	out.Folder = r.dir(root, doc.Digest)
	if err := c.pull(ctx, src, files, o, out); err != nil {
		return nil, err
	}
	return out, r.keepTag(root, out.Digest)
}

// Model is the file or folder that verbs take of what was pulled.
func (p *Pulled) Model(r Ref) (string, error) { return weightsIn(p.Folder, r) }

// model is which files a manifest has: at least one of weights.
func model(doc document, r Ref) ([]layerFile, []string, error) {
	m, err := parse(doc, r.String())
	if err != nil {
		return nil, nil, err
	}
	files, unknown, err := filesOf(m, r.String())
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		if len(unknown) == 0 {
			return nil, nil, fmt.Errorf("%w: %s: the manifest has no layers", gguf.ErrInput, r)
		}
		return nil, nil, fmt.Errorf("%w: %s: is no model that carat knows: its layers are of the media types %s, and have no names", gguf.ErrInput, r, strings.Join(unknown, ", "))
	}
	return files, unknown, nil
}

// attachments are the files of what refers to a model.
func (c *Client) attachments(ctx context.Context, src source, r Ref, subject digest.Digest) (all []layerFile, err error) {
	found, err := src.attached(ctx, subject)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		at, err := c.source(r.At(string(d.Digest)))
		if err != nil {
			return nil, err
		}
		doc, err := at.manifest(ctx)
		if err != nil {
			return nil, err
		}
		m, err := parse(doc, r.At(string(d.Digest)).String())
		if err != nil {
			return nil, err
		}
		files, _, err := filesOf(m, r.At(string(d.Digest)).String())
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			f.name = free(all, f.name)
			all = append(all, f)
		}
	}
	return all, nil
}

// free is the name, with a number behind its stem if a file has it already.
func free(files []layerFile, name string) string {
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		stem, ext = name[:i], name[i:]
	}
	for n := 2; ; n++ {
		taken := false
		for _, f := range files {
			taken = taken || strings.EqualFold(f.name, name)
		}
		if !taken {
			return name
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
}

func (c *Client) pull(ctx context.Context, src source, files []layerFile, o PullOptions, out *Pulled) error {
	var need int64
	for _, f := range files {
		fetched := !f.there(out.Folder)
		if fetched {
			out.Fetched += f.Size
			need += f.Size - c.Left(f.temp(out.Folder), f.Size)
		}
		out.Bytes += f.Size
		out.Files = append(out.Files, PulledFile{f.name, f.MediaType, string(f.Digest), f.Size, fetched})
	}
	if err := fetch.Room(out.Folder, need); err != nil {
		return err
	}
	var done atomic.Int64
	slots := make(chan struct{}, c.Connections)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Connections)
	for i, f := range files {
		if !out.Files[i].Fetched {
			continue
		}
		group.Go(func() error {
			return c.bring(groupCtx, src, f, out.Folder, slots, func(n int64) {
				if all := done.Add(n); o.Progress != nil {
					o.Progress(all, out.Fetched)
				}
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(out.Folder, partials))
}

// bring fetches one file.
func (c *Client) bring(ctx context.Context, src source, f layerFile, dir string, slots chan struct{}, arrived func(int64)) error {
	temp, path := f.temp(dir), f.path(dir)
	for _, p := range []string{temp, path} {
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			return err
		}
	}
	release, err := fetch.Lock(ctx, temp+".lock", func() {
		if c.Note != nil {
			c.Note(fmt.Sprintf("%s: waiting for another program that fetches it", f.name))
		}
	})
	if err != nil {
		return err
	}
	defer release()
	if f.there(dir) { // another program has fetched it
		arrived(f.Size)
		return nil
	}
	x := fetch.File{Name: f.name, Size: f.Size, Open: src.open(f.Descriptor), Verify: f.verify, Arrived: arrived}
	if h, ok := src.(*host); ok {
		x.Explain = h.explain
	}
	return c.Fetch(ctx, slots, x, temp, path)
}

func (f *layerFile) path(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.name)) }

// temp is for the bytes and the name: layers with the same bytes are fetched apart.
func (f *layerFile) temp(dir string) string {
	return filepath.Join(dir, partials, f.Digest.Encoded()[:32]+"-"+digest.FromString(f.name).Encoded()[:8]+".partial")
}

// there reports whether the file is in the folder whole.
func (f *layerFile) there(dir string) bool {
	if !fetch.OfSize(f.path(dir), f.Size) {
		return false
	}
	r, err := os.Open(f.path(dir))
	if err != nil {
		return false
	}
	defer r.Close()
	return f.verify(r) == nil
}

// verify compares what r has with the digest.
func (f *layerFile) verify(r io.Reader) error {
	h := f.Digest.Algorithm().Hash()
	if _, err := io.CopyBuffer(h, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	if got := digest.NewDigest(f.Digest.Algorithm(), h); got != f.Digest {
		return &fetch.SumError{Err: fmt.Errorf("%w: %s: its digest is %s, the manifest says %s", gguf.ErrInput, f.name, got, f.Digest)}
	}
	return nil
}
