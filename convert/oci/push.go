package oci

import (
	"bytes"
	"context"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// PushOptions say what is told on the way.
type PushOptions struct {
	Progress func(done, total int64)
	Link     bool // to a layout: hard links of the model, no copies
	// Unchanged is asked before anything gets its name whether the model is what it was.
	Unchanged func() error
}

// Pushed is what Push made sure is there.
type Pushed struct {
	Sent  int64 // bytes that were not there
	Bytes int64 // of all blobs
	New   map[string]bool
}

// Push brings an artifact, and what refers to it, to a registry or a layout. What is there already is not sent. The tag is written
// last: who finds it finds everything.
func (c *Client) Push(ctx context.Context, r Ref, a *Artifact, o PushOptions) (*Pushed, error) {
	if r.Registry == "" {
		return pushLayout(ctx, r, a, o)
	}
	h, err := c.host(r)
	if err != nil {
		return nil, err
	}
	return h.push(ctx, a, o)
}

func (h *host) push(ctx context.Context, a *Artifact, o PushOptions) (*Pushed, error) {
	out := &Pushed{New: map[string]bool{}}
	var missing []blob
	for _, b := range a.blobs {
		out.Bytes += b.Size
		there := false
		err := h.again(ctx, b.name(), func() (err error) {
			there, err = h.repo.Blobs().Exists(ctx, b.Descriptor)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, b)
			out.New[string(b.Digest)] = true
			out.Sent += b.Size
		}
	}
	var done atomic.Int64
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, b := range missing {
		group.Go(func() error {
			return h.send(groupCtx, b, func(n int64) {
				if all := done.Add(n); o.Progress != nil {
					o.Progress(all, out.Sent)
				}
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := o.Unchanged(); err != nil {
		return nil, err
	}
	for _, m := range a.manifests {
		err := h.again(ctx, h.ref.String(), func() error {
			there, err := h.repo.Exists(ctx, m.Descriptor)
			if err != nil {
				return err
			}
			out.New[string(m.Digest)] = !there
			// In any case: an earlier run may have been interrupted before it noted what this one refers to.
			return h.repo.Push(ctx, m.Descriptor, bytes.NewReader(m.content))
		})
		if err != nil {
			return nil, err
		}
	}
	model := a.manifests[0]
	err := h.again(ctx, h.ref.String(), func() error {
		return h.repo.PushReference(ctx, model.Descriptor, bytes.NewReader(model.content), h.ref.Tag)
	})
	return out, err
}

// send uploads one blob, again from its beginning when the connection breaks.
func (h *host) send(ctx context.Context, b blob, sent func(n int64)) error {
	var told int64
	return h.again(ctx, b.name(), func() error {
		sent(-told)
		told = 0
		body, err := b.open()
		if err != nil {
			return err
		}
		defer body.Close()
		return h.repo.Blobs().Push(ctx, b.Descriptor, &counted{ctx, body, func(n int64) { told += n; sent(n) }})
	})
}

// name is what messages call a blob.
func (b *blob) name() string {
	if title := b.Annotations[ocispec.AnnotationTitle]; title != "" {
		return title
	}
	return string(b.Digest)
}
