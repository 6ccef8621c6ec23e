package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Transport makes one for large files: proxies as the environment says, no compression, as many connections as f may have.
func (f *Fetcher) Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // lengths and ranges are of the files themselves
	t.ResponseHeaderTimeout = time.Minute
	t.MaxIdleConnsPerHost = f.Connections
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true) // several connections: those of HTTP/2 would be one
	return t
}

// CheckRedirect is http.Client's: no more than ten redirects, and none to hosts that anybody may listen to.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return Final(errors.New("more than 10 redirects"))
	}
	if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
		return Final(fmt.Errorf("a redirect from %s to %s, which is not encrypted", via[0].URL.Host, req.URL.Host))
	}
	return nil
}

// PlainPath reports whether a name with slashes stays in the folder that it is joined to, on every system.
func PlainPath(name string) bool {
	if name == "" || len(name) > 1024 || path.Clean(name) != name || path.IsAbs(name) || name == "." || name == ".." || strings.HasPrefix(name, "../") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) })
}
