package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

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
	// Note, if not nil, is told why something is tried again.
	Note func(string)

	connections int
	chunk       int64         // files are fetched in ranges of this size
	block       int64         // files are streamed in ranges of this size
	stall       time.Duration // how long a connection may bring nothing
	pause       func(context.Context, time.Duration) error
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
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // lengths and ranges are of the files themselves
	transport.ResponseHeaderTimeout = time.Minute
	transport.MaxIdleConnsPerHost = connections
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true) // several connections: those of HTTP/2 would be one
	return &Client{
		endpoint: e, token: t, connections: connections, chunk: chunkSize, block: blockSize, stall: time.Minute, pause: pause,
		http: &http.Client{Transport: transport, CheckRedirect: checkRedirect},
	}, nil
}

const (
	connections = 8
	chunkSize   = 64 << 20
)

// checkRedirect keeps the token from every other host than the hub, and those who follow from hosts that anybody may listen to.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
		return fmt.Errorf("a redirect from %s to %s, which is not encrypted", via[0].URL.Host, req.URL.Host)
	}
	for _, r := range append(via[1:], req) {
		if r.URL.Scheme != via[0].URL.Scheme || r.URL.Host != via[0].URL.Host {
			req.Header.Del("Authorization")
		}
	}
	return nil
}

// statusError is an answer that brings nothing.
type statusError struct {
	status  int
	code    string        // the hub's word for what is wrong
	message string        // the hub's sentence
	after   time.Duration // when to ask again
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("%d %s", e.status, http.StatusText(e.status))
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// passing reports whether an error may be gone when the same is asked again.
func passing(err error) bool {
	var s *statusError
	if errors.As(err, &s) {
		return s.status == http.StatusTooManyRequests || s.status == http.StatusRequestTimeout || s.status >= 500 && s.status != http.StatusNotImplemented
	}
	var f *finalError
	var dns *net.DNSError
	return !errors.As(err, &f) && !(errors.As(err, &dns) && dns.IsNotFound)
}

// finalError is one that asking again does not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

func final(err error) error { return &finalError{err} }

// ask sends one GET. The answer is 200 or 206; its body ends when cancel is called, which the caller does.
func (c *Client) ask(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, final(err)
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
	return nil, &statusError{resp.StatusCode, resp.Header.Get("X-Error-Code"), short(resp.Header.Get("X-Error-Message")), retryAfter(resp.Header.Get("Retry-After"))}
}

func short(s string) string { return display.Name(s[:min(len(s), 300)]) }

// retryAfter reads seconds or a date.
func retryAfter(v string) time.Duration {
	const most = 5 * time.Minute
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n >= 0 {
		return min(time.Duration(min(n, 1<<20))*time.Second, most)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(0, time.Until(t)), most)
	}
	return 0
}

// attempts that bring nothing, one after the other, are the end.
const attempts = 6

// again calls try until it succeeds, fails for good, or has failed attempts times without progress. The waits double from a
// second on, or are what the hub says.
func (c *Client) again(ctx context.Context, what string, try func() (progress bool, err error)) error {
	wait := time.Second
	for failed := 0; ; {
		progress, err := try()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passing(err):
			return lacking(what, err)
		case progress:
			failed, wait = 0, time.Second
		}
		if failed++; failed == attempts {
			return fmt.Errorf("%w: %s: %w; tried %d times", gguf.ErrEnvironment, what, plain(err), attempts)
		}
		delay := wait + time.Duration(rand.Int64N(int64(wait/4)))
		var s *statusError
		if errors.As(err, &s) && s.after > 0 {
			delay = s.after
		}
		wait = min(2*wait, 30*time.Second)
		if c.Note != nil && (failed > 1 || delay > 10*time.Second) {
			c.Note(fmt.Sprintf("%s: %v; trying again in %v", what, plain(err), delay.Round(time.Second)))
		}
		if err := c.pause(ctx, delay); err != nil {
			return err
		}
	}
}

// lacking says of errors of the network that they are no fault of the input.
func lacking(what string, err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return hint.Wrap(fmt.Errorf("%w: %s: %w", gguf.ErrEnvironment, what, u.Err), "see whether the network, HF_ENDPOINT and HTTPS_PROXY are right")
	}
	return err
}

// plain takes the address out of an error: those of redirects are long and may let others in.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watched reads a body and ends the connection when nothing comes for the time of stall.
type watched struct {
	io.Reader
	timer   *time.Timer
	stall   time.Duration
	stalled atomic.Bool
}

// watch calls cancel when body brings nothing for too long, and has that said; stop ends the watching.
func (c *Client) watch(body io.Reader, cancel func()) (r io.Reader, stop func() bool) {
	w := &watched{Reader: body, stall: c.stall}
	w.timer = time.AfterFunc(c.stall, func() { w.stalled.Store(true); cancel() })
	return w, w.timer.Stop
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && w.stalled.Load() {
		return n, fmt.Errorf("the connection has brought nothing for %v", w.stall)
	}
	w.timer.Reset(w.stall)
	return n, err
}
