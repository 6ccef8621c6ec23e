package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/runtime/generate"
)

// TestLoad: many clients at once, of which some do not read, some send nonsense and some leave, leak nothing and stop nobody.
func TestLoad(t *testing.T) {
	e := tiny(t)
	alone(t, e, "the workers of the engine start", generate.Options{MaxTokens: 1, Params: generate.Params{TopP: 1}})
	http.DefaultClient.CloseIdleConnections()
	goroutines := runtime.NumGoroutine()
	s, err := New(e, Options{Name: "tiny", Slots: 3, Queue: 8, Context: 400, WriteTimeout: 100 * time.Millisecond, Timeout: time.Minute, MaxBody: 1 << 14})
	require.NoError(t, err)
	h := httptest.NewUnstartedServer(s)
	h.Config.ErrorLog = nil
	h.Start()
	clients := []func(i int) error{
		func(i int) error { // reads all
			body := fmt.Sprintf(`{"prompt": "Once %d", "max_tokens": 8, "stream": %v}`, i, i%2 == 0)
			r, err := h.Client().Post(h.URL+"/v1/completions", "application/json", strings.NewReader(body))
			if err != nil {
				return err
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			if r.StatusCode != 200 && r.StatusCode != 429 {
				return fmt.Errorf("status %d: %s", r.StatusCode, b)
			}
			if r.StatusCode == 429 && r.Header.Get("Retry-After") == "" {
				return fmt.Errorf("429 without Retry-After")
			}
			return err
		},
		func(int) error { // vanishes
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/v1/completions", strings.NewReader(`{"prompt": "Once", "stream": true}`))
			if err != nil {
				return err
			}
			a, err := h.Client().Do(r)
			if err != nil {
				return err
			}
			defer a.Body.Close()
			_, _ = io.ReadFull(a.Body, make([]byte, 100))
			return nil
		},
		func(i int) error { // sends what is no request, or a part of one
			c, err := net.Dial("tcp", h.Listener.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			const head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
			_, err = io.WriteString(c, []string{"\x16\x03\x01", head + `{"prompt": "On`, head + strings.Repeat("{", 100)}[i%3])
			return err
		},
		func(int) error { // does not read
			c, err := net.Dial("tcp", h.Listener.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			body := `{"prompt": "Once", "stream": true, "logprobs": 20, "n": 2}`
			if _, err := fmt.Fprintf(c, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
				return err
			}
			_, _ = c.Read(make([]byte, 1))
			return nil
		},
		func(int) error { // sends half of a body, and waits
			c, err := net.Dial("tcp", h.Listener.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := io.WriteString(c, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"prompt\": "); err != nil {
				return err
			}
			b, _ := io.ReadAll(c)
			if !strings.Contains(string(b), " 408 ") && !strings.Contains(string(b), " 429 ") {
				return fmt.Errorf("half a body was answered with %.100q", b)
			}
			return nil
		},
		func(int) error { // sends more than is allowed
			r, err := h.Client().Post(h.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt": "`+strings.Repeat("x", 1<<16)))
			if err != nil { // the server closes while it writes
				return nil
			}
			defer r.Body.Close()
			if r.StatusCode != http.StatusRequestEntityTooLarge && r.StatusCode != 429 {
				return fmt.Errorf("a large body was answered with %d", r.StatusCode)
			}
			return nil
		},
	}
	var all sync.WaitGroup
	failed := make(chan error, 100)
	for i := range 48 {
		all.Go(func() {
			if err := clients[i%len(clients)](i / len(clients)); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	h.Close() // when all connections are done
	// What waited for clients that are gone leaves when the step under way is done.
	for end := time.Now().Add(2 * time.Second); ; runtime.Gosched() {
		active, waiting := s.scheduler.load()
		require.LessOrEqual(t, active, 3)
		if waiting == 0 {
			break
		}
		require.True(t, time.Now().Before(end), "%d requests still wait", waiting)
	}
	s.Close()
	for _, sl := range s.scheduler.slots {
		require.Nil(t, sl.job)
	}
	require.Zero(t, s.bodies.Load())
	http.DefaultClient.CloseIdleConnections()
	h.Client().CloseIdleConnections()
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "%d goroutines are left of %d:\n%s", runtime.NumGoroutine(), goroutines, stacks())
	}
}

// TestQueue: what does not fit the queue is refused at once, and what waits is served.
func TestQueue(t *testing.T) {
	s, h := serve(t, tiny(t), Options{Slots: 1, Queue: 1, Context: 500})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream := func() *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/v1/completions", strings.NewReader(`{"prompt": "Once", "stream": true, "logit_bias": {"2047": -100}}`))
		require.NoError(t, err)
		a, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		return a
	}
	first := stream() // answers when its first token is there
	defer first.Body.Close()
	waiting := &job{ctx: ctx, ready: make(chan struct{}, 1)}
	require.NoError(t, s.scheduler.submit(waiting))
	status, v := post(t, h, "/v1/completions", `{"prompt": "x", "max_tokens": 1}`)
	require.Equal(t, 429, status)
	require.Equal(t, "queue_full", at(t, v, "error", "code"))
	status, _ = post(t, h, "/v1/completions", `{"prompt": "x", "n": 3}`)
	require.Equal(t, 400, status, "it would never fit")
	cancel()
	<-waiting.ready
	require.ErrorIs(t, waiting.take().err, context.Canceled)
	status, _ = post(t, h, "/v1/completions", `{"prompt": "x", "max_tokens": 1}`)
	require.Equal(t, 200, status)
}

// TestTimeLimit, and what is told when the server stops.
func TestEnds(t *testing.T) {
	e := tiny(t)
	_, h := serve(t, e, Options{Context: 500, Timeout: time.Nanosecond})
	status, v := post(t, h, "/v1/completions", `{"prompt": "Once"}`)
	require.Equal(t, 504, status)
	require.Equal(t, "timeout", at(t, v, "error", "code"))

	s, h := serve(t, e, Options{Context: 500})
	r, err := http.Post(h.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt": "Once", "stream": true, "logit_bias": {"2047": -100}}`))
	require.NoError(t, err)
	defer r.Body.Close()
	s.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.True(t, strings.Contains(string(b), "the server is stopping") || strings.HasSuffix(string(b), "[DONE]\n\n"))
	status, _ = post(t, h, "/v1/completions", `{"prompt": "Once"}`)
	require.Equal(t, 503, status)
}

// TestBodies: the bodies of all requests together have a limit, and so have their objects.
func TestBodies(t *testing.T) {
	s, h := serve(t, tiny(t), Options{Context: 64, MaxBody: 1000})
	until := func(n int64) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); s.bodies.Load() != n; runtime.Gosched() {
			require.True(t, time.Now().Before(end), "%d bytes are held", s.bodies.Load())
		}
	}
	var held []net.Conn
	for range 4 {
		c, err := net.Dial("tcp", h.Listener.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat(" ", 950))
		require.NoError(t, err)
		held = append(held, c)
	}
	until(4 * 950)
	long := fmt.Sprintf(`{"prompt": "Once", "max_tokens": 1, "user": %q}`, strings.Repeat("x", 400))
	status, v := post(t, h, "/v1/completions", long)
	require.Equal(t, 429, status, v)
	until(4 * 950)
	for _, c := range held {
		require.NoError(t, c.Close())
	}
	until(0)
	status, _ = post(t, h, "/v1/completions", long)
	require.Equal(t, 200, status)
	until(0)
	brackets, commas := countJSON([]byte(`{"a,[\"": [1, 2, {}], "b": "\\"}`))
	require.Equal(t, []int{3, 3}, []int{brackets, commas})
}

func stacks() []byte {
	b := make([]byte, 1<<16)
	return b[:runtime.Stack(b, true)]
}
