package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/hint"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Client brings models to registries and layouts, and fetches them. Its methods may be called by several goroutines.
type Client struct {
	fetch.Fetcher
	// PlainHTTP has all registries asked without TLS if true, none if false, and those of this machine if nil.
	PlainHTTP *bool
}

// NewClient makes a Client: proxies are those that the environment says, and credentials those of docker login: in
// $DOCKER_CONFIG/config.json, ~/.docker/config.json, or what the helpers say that are named there.
func NewClient() *Client { return &Client{Fetcher: fetch.New()} }

// small is how many bytes manifests, indexes and configs may have.
const small = 4 << 20

// host is a registry's repository.
type host struct {
	c    *Client
	ref  Ref
	repo *remote.Repository
	auth *auth.Client
}

func (c *Client) host(r Ref) (*host, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w: the credentials of docker login cannot be read: %w", gguf.ErrEnvironment, err)
	}
	h := &host{c: c, ref: r, auth: &auth.Client{
		Client: &http.Client{Transport: refusing{c.Transport()}, CheckRedirect: fetch.CheckRedirect},
		Header: http.Header{"User-Agent": {"carat/" + buildinfo.Version()}}, Cache: auth.NewCache(), ClientID: "carat",
		Credential: credentials.Credential(store),
	}}
	here := loopback(r.Registry)
	if here {
		h.auth.BlockedRealmPrefixes = []netip.Prefix{} // its token service may be on this machine, too
	}
	h.repo = &remote.Repository{
		Client: h.auth, Reference: registry.Reference{Registry: r.Registry, Repository: r.Name}, PlainHTTP: here, MaxMetadataBytes: small,
		SkipReferrersGC: true, // few may delete
	}
	if c.PlainHTTP != nil {
		h.repo.PlainHTTP = *c.PlainHTTP
	}
	return h, nil
}

// refusing makes errors of answers that may be others when asked again, so that everything is tried again in one place.
type refusing struct{ http.RoundTripper }

func (t refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	e := &fetch.StatusError{Status: resp.StatusCode, After: fetch.RetryAfter(resp.Header.Get("Retry-After"))}
	if !e.Passing() {
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, small) // so that the connection is kept
	return nil, errors.Join(e, resp.Body.Close())
}

// again tries until it works, and says what a refusal means. what is named in messages.
func (h *host) again(ctx context.Context, what string, try func() error) error {
	return h.explain(h.c.Again(ctx, what, func() (bool, error) {
		err := try()
		var u *url.Error
		var s *fetch.StatusError
		if err != nil && !errors.As(err, &u) && !errors.As(err, &s) && !errors.Is(err, io.ErrUnexpectedEOF) {
			err = fetch.Final(err)
		}
		return false, err
	}))
}

// explain says what a registry's refusal means.
func (h *host) explain(err error) error {
	var e *errcode.ErrorResponse
	var s *fetch.StatusError
	login := "docker login " + h.ref.Registry + ", or oras login, or see what the account may do"
	status := 0
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, http.ErrSchemeMismatch):
		return hint.Wrap(fmt.Errorf("%w: %s: the registry does not speak TLS", gguf.ErrEnvironment, h.ref), "--plain-http, if nobody can listen in between")
	case errors.Is(err, gguf.ErrEnvironment), errors.Is(err, gguf.ErrInput):
		return err
	case errors.As(err, &e):
		status = e.StatusCode
	case errors.As(err, &s):
		status = s.Status
	case errors.Is(err, errdef.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		status = http.StatusUnauthorized
	}
	said := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if e != nil && len(e.Errors) > 0 {
		text := display.Name(e.Errors.Error())
		said += ": " + text[:min(len(text), 300)]
	}
	switch status {
	case http.StatusNotFound:
		return hint.Wrap(fmt.Errorf("%w: %s: the registry has no such thing, or not for everybody (%s)", gguf.ErrInput, h.ref, said), "see the name and the tag; if it is private, %s", login)
	case http.StatusUnauthorized, http.StatusForbidden:
		return hint.Wrap(fmt.Errorf("%w: %s: the registry refuses access (%s)", gguf.ErrEnvironment, h.ref, said), "%s", login)
	case http.StatusRequestEntityTooLarge:
		return hint.Wrap(fmt.Errorf("%w: %s: the registry does not take files of this size (%s)", gguf.ErrEnvironment, h.ref, said), "carat split makes several of a model")
	case 0:
		return fmt.Errorf("%w: %s: %w", gguf.ErrInput, h.ref, err)
	}
	return fmt.Errorf("%w: %s: the registry answers %s", gguf.ErrEnvironment, h.ref, said)
}

// blobURL is where a blob is.
func (h *host) blobURL(digest string) string {
	u := url.URL{Scheme: "https", Host: h.repo.Reference.Host(), Path: "/v2/" + h.ref.Name + "/blobs/" + digest}
	if h.repo.PlainHTTP {
		u.Scheme = "http"
	}
	return u.String()
}

// manifests are the media types that are asked for.
var manifests = slices.Concat([]string{"application/vnd.oci.image.manifest.v1+json", dockerManifest}, indexes)

var indexes = []string{"application/vnd.oci.image.index.v1+json", dockerList}
