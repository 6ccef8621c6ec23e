// Package hubtest is a hub for tests, on this machine.
package hubtest

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Commit is the one that Server's repository org/name is at.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Server imitates the hub's API, and the host that the hub's large files are on.
type Server struct {
	Files map[string][]byte
	large func(name string) bool // is in LFS: on the other host
	Hub   *httptest.Server
	Host  *httptest.Server

	// Before, if not nil, may answer a request in the place of the server: true if it has.
	Before func(w http.ResponseWriter, r *http.Request, onHost bool) bool

	mu       sync.Mutex
	Requests []string // of files: host, name and range
	Tokens   []string // that the host of large files was sent
}

// Start begins to serve files by their names. Those of more than 1000 bytes are in LFS.
func Start(files map[string][]byte) *Server {
	h := &Server{Files: files, large: func(name string) bool { return len(files[name]) > 1000 }}
	h.Hub, h.Host = httptest.NewServer(http.HandlerFunc(h.serveHub)), httptest.NewServer(http.HandlerFunc(h.serveHost))
	return h
}

// Close ends it.
func (h *Server) Close() {
	h.Hub.Close()
	h.Host.Close()
}

// Token is what the hub wants to be told.
const Token = "secret"

// Sum is the checksum that the hub tells of a file.
func (h *Server) Sum(name string) string {
	b := h.Files[name]
	if h.large(name) {
		s := sha256.Sum256(b)
		return hex.EncodeToString(s[:])
	}
	s := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...))
	return hex.EncodeToString(s[:])
}

func (h *Server) note(r *http.Request, onHost bool) (answered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	host := "hub"
	if onHost {
		host = "host"
		h.Tokens = append(h.Tokens, r.Header.Get("Authorization"))
	}
	h.Requests = append(h.Requests, strings.TrimSpace(host+" "+r.URL.Path+" "+r.Header.Get("Range")))
	return false
}

func (h *Server) serveHub(w http.ResponseWriter, r *http.Request) {
	if h.note(r, false) || h.Before != nil && h.Before(w, r, false) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		w.Header().Set("X-Error-Code", "GatedRepo")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.URL.Path == "/api/models/org/name/revision/main" || r.URL.Path == "/api/models/org/name/revision/"+Commit {
		var siblings []any
		for name, b := range h.Files {
			s := map[string]any{"rfilename": name, "size": len(b), "blobId": h.Sum(name)}
			if h.large(name) {
				s["blobId"] = strings.Repeat("0", 40)
				s["lfs"] = map[string]any{"sha256": h.Sum(name), "size": len(b), "pointerSize": 130}
			}
			siblings = append(siblings, s)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "org/name", "sha": Commit, "siblings": siblings})
		return
	}
	path := strings.Replace(r.URL.Path, "/resolve/main/", "/resolve/"+Commit+"/", 1)
	name, ok := strings.CutPrefix(path, "/org/name/resolve/"+Commit+"/")
	if _, there := h.Files[name]; !ok || !there {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", Commit)
	if h.large(name) {
		w.Header().Set("X-Linked-Etag", `"`+h.Sum(name)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(h.Files[name])))
		http.Redirect(w, r, h.Host.URL+"/"+url.PathEscape(name), http.StatusFound)
		return
	}
	w.Header().Set("ETag", `"`+h.Sum(name)+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(h.Files[name]))
}

func (h *Server) serveHost(w http.ResponseWriter, r *http.Request) {
	if h.note(r, true) || h.Before != nil && h.Before(w, r, true) {
		return
	}
	w.Header().Set("ETag", `"of-the-host"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.Files[r.URL.Path[1:]]))
}

// Count is how many requests began so.
func (h *Server) Count(prefix string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.Requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}
