// Package ocitest is a registry of containers for tests, on this machine: what the OCI distribution specification asks for to
// push, pull and refer, in memory.
package ocitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a registry.
type Server struct {
	*httptest.Server
	// Referrers has it list what refers to a manifest; without it clients keep a tag for that.
	Referrers bool
	// User and Password, if not "", have it want a token, which its token service gives to them.
	User, Password string
	// Before, if not nil, may answer a request in the place of the server: true if it has.
	Before func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.Mutex
	Blobs     map[string][]byte // by digest
	Manifests map[string][]byte // by NAME:TAG and NAME@DIGEST
	types     map[string]string // of manifests, likewise
	requests  []string
}

// Start begins to serve.
func Start() *Server {
	s := &Server{Referrers: true, Blobs: map[string][]byte{}, Manifests: map[string][]byte{}, types: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Host is its HOST:PORT.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "http://") }

// Count is how many requests began so, as "PUT /v2/".
func (s *Server) Count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// Tags are the names of manifests by tag.
func (s *Server) Tags() (tags []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range maps.Keys(s.Manifests) {
		if !strings.Contains(name, "@") {
			tags = append(tags, name)
		}
	}
	slices.Sort(tags)
	return tags
}

// Manifest puts one there, with its tag.
func (s *Server) Manifest(name, tag, mediaType string, b []byte) (digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	digest = Digest(b)
	for _, key := range []string{name + ":" + tag, name + "@" + digest} {
		s.Manifests[key], s.types[key] = b, mediaType
	}
	return digest
}

// Digest is that of b.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

const token = "a-token"

var route = regexp.MustCompile(`^/v2/(.+)/(blobs/uploads|blobs|manifests|referrers)/([^/]*)$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
	s.mu.Unlock()
	if s.Before != nil && s.Before(w, r) {
		return
	}
	if r.URL.Path == "/token" {
		if user, password, _ := r.BasicAuth(); user != s.User || password != s.Password {
			Refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
			return
		}
		fmt.Fprintf(w, `{"token":%q}`, token)
		return
	}
	if s.User != "" && r.Header.Get("Authorization") != "Bearer "+token {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test",scope="repository:x:pull"`, s.URL))
		Refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	m := route.FindStringSubmatch(r.URL.Path)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name, x := m[1], m[3]; m[2] {
	case "blobs/uploads":
		s.upload(w, r, body)
	case "blobs":
		s.get(w, r, s.Blobs[x], "application/octet-stream", x)
	case "manifests":
		s.manifest(w, r, name, x, body)
	case "referrers":
		s.referrers(w, r, name, x)
	}
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodPost {
		w.Header().Set("Location", r.URL.Path+"one")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	want := r.URL.Query().Get("digest")
	if want != Digest(body) {
		Refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
		return
	}
	s.Blobs[want] = body
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, b []byte, mediaType, digest string) {
	if b == nil {
		Refuse(w, http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func (s *Server) manifest(w http.ResponseWriter, r *http.Request, name, ref string, body []byte) {
	key := name + ":" + ref
	if strings.Contains(ref, ":") {
		key = name + "@" + ref
	}
	if r.Method != http.MethodPut {
		s.get(w, r, s.Manifests[key], s.types[key], Digest(s.Manifests[key]))
		return
	}
	var m struct {
		Config  struct{ Digest string }
		Layers  []struct{ Digest string }
		Subject *struct{ Digest string }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		Refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	for _, d := range append(m.Layers, m.Config) {
		if d.Digest != "" && s.Blobs[d.Digest] == nil {
			Refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", d.Digest)
			return
		}
	}
	if m.Subject != nil && s.Referrers {
		w.Header().Set("OCI-Subject", m.Subject.Digest)
	}
	digest := Digest(body)
	for _, key := range []string{key, name + "@" + digest} {
		s.Manifests[key], s.types[key] = body, r.Header.Get("Content-Type")
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) referrers(w http.ResponseWriter, r *http.Request, name, subject string) {
	if !s.Referrers {
		http.NotFound(w, r)
		return
	}
	list := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(s.Manifests)) {
		var m struct {
			ArtifactType string
			Subject      *struct{ Digest string }
			Annotations  map[string]string
		}
		if digest, ok := strings.CutPrefix(key, name+"@"); ok && json.Unmarshal(s.Manifests[key], &m) == nil && m.Subject != nil && m.Subject.Digest == subject {
			list = append(list, map[string]any{"mediaType": s.types[key], "digest": digest, "size": len(s.Manifests[key]), "artifactType": m.ArtifactType, "annotations": m.Annotations})
		}
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": list})
}

// Refuse answers with an error as registries have it.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
