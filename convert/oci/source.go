package oci

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// source is where artifacts are pulled from: a registry or a layout.
type source interface {
	// manifest is the one that the reference names, with at most small bytes.
	manifest(ctx context.Context) (document, error)
	// open returns how parts of a blob are asked for.
	open(d ocispec.Descriptor) func(ctx context.Context, begin, end int64) (io.ReadCloser, error)
	// attached lists the manifests that refer to one.
	attached(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)
}

func (c *Client) source(r Ref) (source, error) {
	if r.Registry == "" {
		return &layout{r}, nil
	}
	return c.host(r)
}

// manifest implements source.
func (h *host) manifest(ctx context.Context) (doc document, err error) {
	h.repo.ManifestMediaTypes = manifests
	err = h.again(ctx, h.ref.String(), func() error {
		d, body, err := h.repo.FetchReference(ctx, h.ref.reference())
		if err != nil {
			return err
		}
		defer body.Close()
		if d.Size < 0 || d.Size > small {
			return fmt.Errorf("%w: %s: the manifest has %d bytes, of at most %d", gguf.ErrInput, h.ref, d.Size, small)
		}
		b, err := content.ReadAll(body, d)
		doc = document{d, b}
		return err
	})
	return doc, err
}

// open implements source.
func (h *host) open(d ocispec.Descriptor) func(ctx context.Context, begin, end int64) (io.ReadCloser, error) {
	return func(ctx context.Context, begin, end int64) (io.ReadCloser, error) {
		ref := h.repo.Reference
		ref.Reference = string(d.Digest)
		req, err := http.NewRequestWithContext(auth.AppendRepositoryScope(ctx, ref, auth.ActionPull), http.MethodGet, h.blobURL(ref.Reference), nil)
		if err != nil {
			return nil, fetch.Final(err)
		}
		whole := begin == 0 && end == d.Size
		if !whole {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", begin, end-1))
		}
		req.Header.Set("Accept-Encoding", "identity")
		resp, err := h.auth.Do(req)
		if err != nil {
			return nil, err
		}
		if err := checkBlob(resp, d, begin, end, whole); err != nil {
			_ = resp.Body.Close()
			return nil, err
		}
		return resp.Body, nil
	}
}

// checkBlob compares an answer with what was asked for.
func checkBlob(resp *http.Response, d ocispec.Descriptor, begin, end int64, whole bool) error {
	switch resp.StatusCode {
	case http.StatusOK:
		if !whole {
			return fetch.ErrNoRanges
		}
		if resp.ContentLength >= 0 && resp.ContentLength != d.Size {
			return fetch.Final(fmt.Errorf("%w: %s: the registry sends %d bytes, the manifest says %d", gguf.ErrInput, d.Digest, resp.ContentLength, d.Size))
		}
	case http.StatusPartialContent:
		want := fmt.Sprintf("bytes %d-%d/%d", begin, end-1, d.Size)
		if got := resp.Header.Get("Content-Range"); got != want || whole {
			return fetch.Final(fmt.Errorf("%w: %s: the registry sends the range %q, asked for was %q", gguf.ErrInput, d.Digest, got, want))
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return fetch.Final(fmt.Errorf("%w: %s: the registry has less than the %d bytes that the manifest says", gguf.ErrInput, d.Digest, d.Size))
	default:
		return fetch.Final(&errcode.ErrorResponse{Method: resp.Request.Method, URL: resp.Request.URL, StatusCode: resp.StatusCode})
	}
	return nil
}

// attached implements source.
func (h *host) attached(ctx context.Context, subject digest.Digest) (all []ocispec.Descriptor, err error) {
	err = h.again(ctx, h.ref.String(), func() error {
		all = nil
		return h.repo.Referrers(ctx, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: subject}, "", func(page []ocispec.Descriptor) error {
			all = append(all, page...)
			if len(all) > 1000 {
				return fmt.Errorf("%w: %s: more than 1000 manifests refer to this one", gguf.ErrInput, h.ref)
			}
			return nil
		})
	})
	return all, err
}

// parse reads a manifest of layers.
func parse(doc document, where string) (*ocispec.Manifest, error) {
	var m struct {
		ocispec.Manifest
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := doc.Digest.Validate(); err != nil || doc.Digest.Algorithm().FromBytes(doc.content) != doc.Digest {
		return nil, fmt.Errorf("%w: %s: the manifest is not what its digest %s says", gguf.ErrInput, where, doc.Digest)
	}
	if err := json.Unmarshal(doc.content, &m); err != nil {
		return nil, fmt.Errorf("%w: %s: the manifest is not understood: %w", gguf.ErrInput, where, err)
	}
	kind := m.MediaType
	if kind == "" {
		kind = doc.MediaType
	}
	if slices.Contains(indexes, kind) {
		var all []string
		for _, d := range m.Manifests[:min(len(m.Manifests), 8)] {
			all = append(all, string(d.Digest))
		}
		return nil, fmt.Errorf("%w: %s: is an index of %d manifests: name one of them by its digest (%s)", gguf.ErrInput, where, len(m.Manifests), strings.Join(all, ", "))
	}
	if !slices.Contains(manifests, kind) {
		return nil, fmt.Errorf("%w: %s: the manifest is of the media type %q, which is none that carat reads", gguf.ErrInput, where, kind)
	}
	return &m.Manifest, nil
}
