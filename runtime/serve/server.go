package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/grammar"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// Server is an http.Handler. Close ends it.
type Server struct {
	o         Options
	engine    *engine.Engine
	tok       *tokenizer.Tokenizer
	template  *chat.Template
	channels  bool // the model writes messages in channels, as gpt-oss does (harmony.go)
	scheduler *scheduler
	embedding chan struct{} // holds one while vectors are made
	vectors   atomic.Int64  // requests for them that wait or are answered
	bodies    atomic.Int64  // bytes of the bodies of all requests under way
	metrics   *metrics
	// vocabulary is made when the first request wants a form.
	vocabulary func() *grammar.Vocabulary
	mux        http.ServeMux
	running    context.Context // until Close
	stop       context.CancelCauseFunc
	closing    sync.Once
	created    int64
}

//go:embed page.html
var page []byte

// New returns a server of a model that was opened for Text and Activations. The engine stays the caller's.
func New(e *engine.Engine, o Options) (*Server, error) {
	if e.Encodes() {
		return nil, fmt.Errorf("%w: models with an encoder for their input cannot be served", gguf.ErrUnsupported)
	}
	if err := o.settle(e.ContextLength()); err != nil {
		return nil, err
	}
	s := &Server{o: o, engine: e, embedding: make(chan struct{}, 1), created: time.Now().Unix()}
	s.metrics = newMetrics()
	s.running, s.stop = context.WithCancelCause(context.Background())
	var err error
	if s.tok, err = e.Tokenizer(); err != nil {
		return nil, err
	}
	s.vocabulary = sync.OnceValue(func() *grammar.Vocabulary { return grammar.NewVocabulary(s.tok) })
	if e.Predicts() {
		if s.template, err = chat.New(e.Source().Metadata()); err != nil {
			return nil, err
		}
		s.channels = strings.Contains(s.template.Source(""), "<|channel|>")
		if s.scheduler, err = newScheduler(e, s.tok, o, s.metrics); err != nil {
			return nil, err
		}
		go s.scheduler.run()
	}
	for _, path := range []struct {
		pattern string
		handle  func(http.ResponseWriter, *http.Request) error
	}{
		{"POST /v1/chat/completions", s.chatCompletions},
		{"POST /v1/completions", s.completions},
		{"POST /v1/embeddings", s.embeddings},
		{"GET /v1/models", s.models},
		{"GET /v1/models/{name...}", s.model},
	} {
		s.mux.HandleFunc(path.pattern, s.guarded(path.pattern, path.handle))
	}
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("GET /metrics", s.serveMetrics)
	s.mux.HandleFunc("GET /{$}", servePage)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, refused(http.StatusNotFound, "invalid_request_error", "not_found", "there is no %s %s", r.Method, r.URL.Path))
	})
	return s, nil
}

// Context is the number of tokens of a slot.
func (s *Server) Context() int { return s.o.Context }

// Close ends all requests, and returns when nothing works any more.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.stop(errStopped)
		if s.scheduler != nil {
			s.scheduler.close()
		}
		s.embedding <- struct{}{}
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if s.o.Loopback && !isLoopback(r.Host) {
		fail(w, refused(http.StatusForbidden, "invalid_request_error", "wrong_host", "this server answers for this machine only, and not as %q", r.Host))
		return
	}
	switch origin := r.Header.Get("Origin"); {
	case origin == "" || ownOrigin(origin, r.Host):
	case s.o.Origins == "*" || s.o.Origins == origin:
		h.Set("Access-Control-Allow-Origin", s.o.Origins)
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "*, Authorization, Content-Type")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	default: // also of requests whose answer a page could not read, since they make work
		fail(w, refused(http.StatusForbidden, "invalid_request_error", "wrong_origin", "pages of %q may not use this server", origin))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// isLoopback reports whether a host, with or without a port, is this machine by a name that no resolver can give to another.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host == host
}

// guarded answers with the errors of handle, asks for the key, limits the time, and counts.
func (s *Server) guarded(pattern string, handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	_, path, _ := strings.Cut(pattern, " ")
	return func(w http.ResponseWriter, r *http.Request) {
		begun, counted := time.Now(), &statusWriter{ResponseWriter: w}
		defer func() { s.metrics.request(path, counted.status, time.Since(begun)) }()
		if !s.allowed(r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(counted, refused(http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "the request has no valid API key: send it as Authorization: Bearer KEY"))
			return
		}
		ctx, cancel := context.WithTimeoutCause(r.Context(), s.o.Timeout, errTimeout)
		defer cancel()
		ctx, end := context.WithCancelCause(ctx)
		defer context.AfterFunc(s.running, func() { end(errStopped) })()
		if err := handle(counted, r.WithContext(ctx)); err != nil {
			fail(counted, err)
		}
	}
}

// allowed compares the key, in a time that does not depend on where they differ, nor on its length.
func (s *Server) allowed(r *http.Request) bool {
	if s.o.Key == "" {
		return true
	}
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given, want := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(s.o.Key))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1 && ok
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = w.Write(page)
}

// modelObject is a model in lists. What is not OpenAI's are the lengths, by the names that other servers have for them.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Context int    `json:"max_model_len"`
}

func (s *Server) object() modelObject {
	return modelObject{s.o.Name, "model", s.created, "carat", s.o.Context}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, map[string]any{"object": "list", "data": []modelObject{s.object()}})
	return nil
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) error {
	if name := r.PathValue("name"); name != s.o.Name {
		return refused(http.StatusNotFound, "invalid_request_error", "model_not_found", "there is no model %q, only %q", name, s.o.Name)
	}
	answer(w, http.StatusOK, s.object())
	return nil
}
