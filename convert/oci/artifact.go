package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Contents are what an artifact has beside the model.
type Contents struct {
	Files       []File // license, model card, chat template
	Attachments []Attachment
	Annotations map[string]string       // of the manifest, beside those of the metadata
	Progress    func(done, total int64) // of reading the model for its digest
}

// File is one of few bytes.
type File struct {
	Name    string
	Type    string // media type: WeightsConfig or Doc
	Content []byte
}

// Artifact is a model as registries keep it, and what refers to it.
type Artifact struct {
	Manifest ocispec.Descriptor
	Layers   []ocispec.Descriptor
	Attached []Attached

	blobs     []blob     // configs and layers of all manifests, each once
	manifests []document // the model's, then the attachments'
}

// Attached is a document that refers to the model.
type Attached struct {
	Name     string
	Bytes    int64              // of the document
	Manifest ocispec.Descriptor // by which a registry keeps it
}

// blob is some bytes, or those of a file.
type blob struct {
	ocispec.Descriptor
	path    string
	content []byte
}

type document struct {
	ocispec.Descriptor
	content []byte
}

// NewArtifact makes the artifact of a GGUF file, of all its files if it is split. It reads them for their digests.
func NewArtifact(ctx context.Context, f *gguf.File, c Contents) (*Artifact, error) {
	a := &Artifact{}
	sums, err := a.weights(ctx, f, c.Progress)
	if err != nil {
		return nil, err
	}
	for _, x := range c.Files {
		if !fetch.PlainPath(x.Name) || a.has(x.Name) {
			return nil, fmt.Errorf("%w: %q cannot be the name of another file of the artifact", gguf.ErrInput, x.Name)
		}
		a.layer(blob{Descriptor: descriptor(x.Type, x.Content), content: x.Content}, x.Name)
	}
	conf := configOf(f)
	for _, l := range a.Layers {
		conf.FS.DiffIDs = append(conf.FS.DiffIDs, string(l.Digest))
	}
	b, err := json.Marshal(conf)
	if err != nil {
		return nil, err
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: modelType,
		Config: a.add(blob{Descriptor: descriptor(configType, b), content: b}), Layers: a.Layers, Annotations: annotationsOf(&conf, c.Annotations),
	}
	if a.Manifest, err = a.manifest(m); err != nil {
		return nil, err
	}
	for _, x := range c.Attachments {
		if err := a.attach(x, sums); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// annotationsOf are those that registries show.
func annotationsOf(c *config, more map[string]string) map[string]string {
	d := &c.Descriptor
	all := map[string]string{
		ocispec.AnnotationTitle: d.Name, ocispec.AnnotationVendor: d.Vendor, ocispec.AnnotationVersion: d.Version, ocispec.AnnotationURL: d.DocURL,
		ocispec.AnnotationDescription: d.Description, ocispec.AnnotationLicenses: strings.Join(d.Licenses, " "), ocispec.AnnotationAuthors: strings.Join(d.Authors, ", "),
	}
	for k, v := range more {
		all[k] = v
	}
	for k, v := range all {
		if v == "" {
			delete(all, k)
		}
	}
	return all
}

// weights adds the files of the model, and returns what they are.
func (a *Artifact) weights(ctx context.Context, f *gguf.File, progress func(done, total int64)) ([]gguf.FileHash, error) {
	var done, total int64
	var files []*inputfile.File
	defer func() {
		for _, in := range files {
			_ = in.Close()
		}
	}()
	for _, path := range f.Paths() {
		in, err := inputfile.Open(path)
		if err != nil {
			return nil, err
		}
		files = append(files, in)
		total += in.Size()
	}
	var sums []gguf.FileHash
	for _, in := range files {
		h, name := sha256.New(), filepath.Base(in.Path())
		r := &counted{ctx: ctx, r: in.Reader(), count: func(n int64) {
			if done += n; progress != nil {
				progress(done, total)
			}
		}}
		if _, err := io.CopyBuffer(h, r, make([]byte, 4<<20)); err != nil {
			return nil, err
		}
		if !fetch.PlainPath(name) || a.has(name) {
			return nil, fmt.Errorf("%w: %s: %q cannot be the name of a file of an artifact: rename it", gguf.ErrInput, in.Path(), name)
		}
		sum := hex.EncodeToString(h.Sum(nil))
		sums = append(sums, gguf.FileHash{Name: name, Bytes: in.Size(), SHA256: sum})
		a.layer(blob{Descriptor: ocispec.Descriptor{MediaType: Weights, Digest: digest.NewDigestFromEncoded(digest.SHA256, sum), Size: in.Size()}, path: in.Path()}, name)
	}
	return sums, gguf.Unchanged(f)
}

// layer adds a file of the model.
func (a *Artifact) layer(b blob, name string) {
	b.Annotations = map[string]string{pathAnnotation: name, ocispec.AnnotationTitle: name}
	a.Layers = append(a.Layers, a.add(b))
}

func (a *Artifact) has(name string) bool {
	for _, l := range a.Layers {
		if strings.EqualFold(l.Annotations[pathAnnotation], name) {
			return true
		}
	}
	return false
}

// add adds a blob, if it is not there already.
func (a *Artifact) add(b blob) ocispec.Descriptor {
	for _, x := range a.blobs {
		if x.Digest == b.Digest {
			return b.Descriptor
		}
	}
	a.blobs = append(a.blobs, b)
	return b.Descriptor
}

// manifest adds one.
func (a *Artifact) manifest(m ocispec.Manifest) (ocispec.Descriptor, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d := descriptor(ocispec.MediaTypeImageManifest, b)
	d.ArtifactType = m.ArtifactType
	a.manifests = append(a.manifests, document{d, b})
	return d, nil
}

func descriptor(mediaType string, b []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(b), Size: int64(len(b))}
}

// open reads the bytes.
func (b *blob) open() (io.ReadCloser, error) {
	if b.path == "" {
		return io.NopCloser(bytes.NewReader(b.content)), nil
	}
	in, err := inputfile.Open(b.path)
	if err == nil && in.Size() != b.Size {
		err = errors.Join(fmt.Errorf("%w: %s: changed while it was read: it has %d bytes, had %d", gguf.ErrInput, b.path, in.Size(), b.Size), in.Close())
	}
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{in.Reader(), in}, nil
}

// counted tells how much of a reader was read, and ends with ctx.
type counted struct {
	ctx   context.Context
	r     io.Reader
	count func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.count(int64(n))
	return n, err
}
