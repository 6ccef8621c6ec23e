//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServeStops: a signal lets what is written come to its end, or what grace leaves of it, and the server ends well.
func TestServeStops(t *testing.T) {
	for _, c := range []struct {
		sig   os.Signal
		grace string
		ctx   string
		end   string
	}{{syscall.SIGTERM, "60", "300", `"finish_reason":"length"`}, {os.Interrupt, "0", "20000", "the server is stopping"}} {
		cmd, out := start(t, nil, "carat", "serve", tiny, "--port", "0", "--grace", c.grace, "--threads", "2", "--ctx", c.ctx)
		line, err := out.ReadString('\n')
		require.NoError(t, err)
		_, url, _ := strings.Cut(line, " at ")
		url, _, _ = strings.Cut(url, " ")
		r, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(`{"prompt": "Once", "stream": true, "logit_bias": {"2047": -100}}`))
		require.NoError(t, err)
		body := bufio.NewReader(r.Body)
		_, err = body.ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(c.sig))
		rest, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Contains(t, string(rest), c.end)
		_, err = io.Copy(io.Discard, out)
		require.NoError(t, err)
		require.NoError(t, cmd.Wait())
	}
}
