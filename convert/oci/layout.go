package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/convert/publish"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A layout is a folder with blobs by their digests, and an index of manifests with their tags:
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md

// layoutFile tells a layout from other folders.
var layoutFile = []byte(`{"imageLayoutVersion":"1.0.0"}`)

// readIndex returns the index of a layout.
func readIndex(dir string) (*ocispec.Index, error) {
	b, err := inputfile.ReadSmall(filepath.Join(dir, ocispec.ImageIndexFile), small)
	if err != nil {
		return nil, err
	}
	if _, err := inputfile.ReadSmall(filepath.Join(dir, ocispec.ImageLayoutFile), small); err != nil {
		return nil, err
	}
	x := &ocispec.Index{}
	if err := json.Unmarshal(b, x); err != nil {
		return nil, fmt.Errorf("%w: %s: is no index of manifests: %w", gguf.ErrInput, filepath.Join(dir, ocispec.ImageIndexFile), err)
	}
	return x, nil
}

func blobPath(dir string, d digest.Digest) string {
	return filepath.Join(dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// pushLayout writes all files of the artifact into a layout, or none.
func pushLayout(ctx context.Context, r Ref, a *Artifact, o PushOptions) (*Pushed, error) {
	index, err := readIndex(r.Name)
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(r.Name); err == nil && len(entries) > 0 {
			return nil, hint.Wrap(fmt.Errorf("%w: %s: the folder is no OCI layout (it has %s)", gguf.ErrInput, r.Name, entries[0].Name()), "give the name of a new folder")
		}
		index, err = &ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}, nil
	}
	if err != nil {
		return nil, err
	}
	out := &Pushed{New: map[string]bool{}}
	p := &publish.Plan{Link: o.Link}
	add := func(d ocispec.Descriptor, source string, content []byte) {
		out.Bytes += d.Size
		path := blobPath(r.Name, d.Digest)
		if fetch.OfSize(path, d.Size) {
			return
		}
		out.New[string(d.Digest)] = true
		out.Sent += d.Size
		p.Files = append(p.Files, publish.File{Path: path, Bytes: d.Size, Source: source, Content: content, SHA256: d.Digest.Encoded()})
	}
	for _, b := range a.blobs {
		add(b.Descriptor, b.path, b.content)
	}
	for _, m := range a.manifests {
		add(m.Descriptor, "", m.content)
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d ocispec.Descriptor) bool {
			return d.Digest == m.Digest && d.Annotations[ocispec.AnnotationRefName] == ""
		})
	}
	index.Manifests = slices.DeleteFunc(index.Manifests, func(d ocispec.Descriptor) bool { return d.Annotations[ocispec.AnnotationRefName] == r.Tag })
	tagged := a.Manifest
	tagged.Annotations = map[string]string{ocispec.AnnotationRefName: r.Tag}
	index.Manifests = append(index.Manifests, tagged)
	for _, m := range a.manifests[1:] {
		index.Manifests = append(index.Manifests, m.Descriptor)
	}
	b, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	p.Add(filepath.Join(r.Name, ocispec.ImageLayoutFile), layoutFile)
	p.Add(filepath.Join(r.Name, ocispec.ImageIndexFile), b)
	p.Progress = o.Progress
	return out, p.Run(ctx, o.Unchanged)
}

// layout reads a layout folder.
type layout struct{ ref Ref }

// manifest returns the manifest that the tag or digest names.
func (l *layout) manifest(_ context.Context) (document, error) {
	index, err := readIndex(l.ref.Name)
	if err != nil {
		return document{}, err
	}
	var tags []string
	for _, d := range index.Manifests {
		tag := d.Annotations[ocispec.AnnotationRefName]
		if tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
		if tag == l.ref.Tag && l.ref.Digest == "" || string(d.Digest) == l.ref.Digest {
			if d.Size < 0 || d.Size > small || d.Digest.Validate() != nil {
				return document{}, fmt.Errorf("%w: %s: the manifest %s has %d bytes, of at most %d", gguf.ErrInput, l.ref, d.Digest, d.Size, small)
			}
			b, err := inputfile.ReadSmall(blobPath(l.ref.Name, d.Digest), small)
			return document{d, b}, err
		}
	}
	return document{}, hint.Wrap(fmt.Errorf("%w: %s: the layout has no such manifest", gguf.ErrInput, l.ref), "it has the tags %q", tags)
}

// open opens a part of a blob.
func (l *layout) open(d ocispec.Descriptor) func(ctx context.Context, begin, end int64) (io.ReadCloser, error) {
	return func(_ context.Context, begin, end int64) (io.ReadCloser, error) {
		in, err := inputfile.Open(blobPath(l.ref.Name, d.Digest))
		if err == nil && in.Size() != d.Size {
			err = errors.Join(fmt.Errorf("%w: %s: has %d bytes, the manifest says %d", gguf.ErrInput, in.Path(), in.Size(), d.Size), in.Close())
		}
		if err != nil {
			return nil, fetch.Final(err)
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(in, begin, end-begin), in}, nil
	}
}

// attached lists the manifests that refer to one.
func (l *layout) attached(_ context.Context, subject digest.Digest) (all []ocispec.Descriptor, err error) {
	index, err := readIndex(l.ref.Name)
	if err != nil {
		return nil, err
	}
	for _, d := range index.Manifests {
		if d.Size < 0 || d.Size > small || d.Digest.Validate() != nil {
			continue
		}
		b, err := inputfile.ReadSmall(blobPath(l.ref.Name, d.Digest), small)
		if err != nil {
			return nil, err
		}
		var m ocispec.Manifest
		if json.Unmarshal(b, &m) == nil && m.Subject != nil && m.Subject.Digest == subject {
			all = append(all, d)
		}
	}
	return all, nil
}
