package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/hint"
)

// Client asks a hub, several times if need be. Its methods may be called by several goroutines.
type Client struct {
	endpoint *url.URL
	token    string
	http     *http.Client
	fetch.Fetcher
	block int64 // files are streamed in ranges of this size
}

// NewClient makes a client as the environment says: HF_ENDPOINT, HF_TOKEN or the stored token, HF_HUB_OFFLINE, and the proxies
// that Go's net/http knows.
func NewClient() (*Client, error) {
	if offline() {
		return nil, hint.Wrap(fmt.Errorf("%w: HF_HUB_OFFLINE is set: nothing is downloaded", gguf.ErrEnvironment), "unset HF_HUB_OFFLINE")
	}
	e, err := endpoint()
	if err != nil {
		return nil, err
	}
	t, err := token()
	if err != nil {
		return nil, err
	}
	fetcher := fetch.New()
	return &Client{
		endpoint: e, token: t, Fetcher: fetcher, block: blockSize, http: &http.Client{Transport: fetcher.Transport(), CheckRedirect: checkRedirect},
	}, nil
}

// checkRedirect keeps the token from every other host than the hub, and those who follow from hosts that anybody may listen to.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if err := fetch.CheckRedirect(req, via); err != nil {
		return err
	}
	for _, r := range append(via[1:], req) {
		if r.URL.Scheme != via[0].URL.Scheme || r.URL.Host != via[0].URL.Host {
			req.Header.Del("Authorization")
		}
	}
	return nil
}

// ask sends one GET. The answer is 200 or 206; its body ends when cancel is called, which the caller does.
func (c *Client) ask(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fetch.Final(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "carat/"+buildinfo.Version())
	req.Header.Set("Accept-Encoding", "identity")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return resp, nil
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection is kept
	return nil, &fetch.StatusError{Status: resp.StatusCode, Code: resp.Header.Get("X-Error-Code"), Message: short(resp.Header.Get("X-Error-Message")), After: fetch.RetryAfter(resp.Header.Get("Retry-After"))}
}

func short(s string) string { return display.Name(s[:min(len(s), 300)]) }
