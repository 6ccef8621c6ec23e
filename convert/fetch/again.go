package fetch

import (
	"context"
	"crypto/tls"
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
	"github.com/carat-llm/carat/internal/hint"
)

// StatusError is an answer that brings nothing.
type StatusError struct {
	Status  int
	Code    string        // the host's word for what is wrong
	Message string        // the host's sentence
	After   time.Duration // when to ask again
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Passing reports whether it may be another one when the same is asked again.
func (e *StatusError) Passing() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// passing reports whether an error may be gone when the same is asked again.
func passing(err error) bool {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Passing()
	}
	var f *finalError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	return !errors.As(err, &f) && !(errors.As(err, &dns) && dns.IsNotFound) && !errors.As(err, &cert) && !errors.Is(err, http.ErrSchemeMismatch)
}

// finalError is one that asking again does not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// Final makes an error that ends Again.
func Final(err error) error { return &finalError{err} }

// RetryAfter reads that header: seconds or a date.
func RetryAfter(v string) time.Duration {
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

// Again calls try until it succeeds, fails for good, or has failed 6 times without progress. The waits double from a second on,
// or are what the host says. what is named in messages.
func (f *Fetcher) Again(ctx context.Context, what string, try func() (progress bool, err error)) error {
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
		var s *StatusError
		if errors.As(err, &s) && s.After > 0 {
			delay = s.After
		}
		wait = min(2*wait, 30*time.Second)
		if f.Note != nil && (failed > 1 || delay > 10*time.Second) {
			f.Note(fmt.Sprintf("%s: %v; trying again in %v", what, plain(err), delay.Round(time.Second)))
		}
		if err := f.Pause(ctx, delay); err != nil {
			return err
		}
	}
}

// lacking says of errors of the network that they are no fault of the input.
func lacking(what string, err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return hint.Wrap(fmt.Errorf("%w: %s: %w", gguf.ErrEnvironment, what, u.Err), "see whether the network, the name of the host and HTTPS_PROXY are right")
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

// Watch calls cancel when body brings nothing for too long, and has that said; stop ends the watching.
func (f *Fetcher) Watch(body io.Reader, cancel func()) (r io.Reader, stop func() bool) {
	w := &watched{Reader: body, stall: f.Stall}
	w.timer = time.AfterFunc(f.Stall, func() { w.stalled.Store(true); cancel() })
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
