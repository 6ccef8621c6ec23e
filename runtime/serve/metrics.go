package serve

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// metrics are counters in Prometheus' text format.
type metrics struct {
	read, written atomic.Int64 // tokens

	mu       sync.Mutex
	requests map[[2]string]int64 // by path and status
	seconds  map[string]*histogram
}

// histogram counts durations by their length.
type histogram struct {
	counts [len(bounds) + 1]int64
	sum    float64
}

var bounds = [...]float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}

func newMetrics() *metrics {
	return &metrics{requests: map[[2]string]int64{}, seconds: map[string]*histogram{}}
}

// request counts a request that has ended.
func (m *metrics) request(path string, status int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[[2]string{path, fmt.Sprint(status)}]++
	h := m.seconds[path]
	if h == nil {
		h = new(histogram)
		m.seconds[path] = h
	}
	i := 0
	for i < len(bounds) && took.Seconds() > bounds[i] {
		i++
	}
	h.counts[i]++
	h.sum += took.Seconds()
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	m := s.metrics
	var out strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	value := func(name, kind, help string, v int64) {
		head(name, kind, help)
		fmt.Fprintf(&out, "%s %d\n", name, v)
	}
	value("carat_prompt_tokens_total", "counter", "Tokens of prompts that were evaluated.", m.read.Load())
	value("carat_generated_tokens_total", "counter", "Tokens that were written.", m.written.Load())
	if s.scheduler != nil {
		active, waiting := s.scheduler.load()
		value("carat_slots", "gauge", "Sequences that can be written at once.", int64(s.o.Slots))
		value("carat_slots_busy", "gauge", "Sequences that are being written.", int64(active))
		value("carat_queue_length", "gauge", "Sequences that wait for a slot.", int64(waiting))
	}
	m.mu.Lock()
	head("carat_requests_total", "counter", "Requests that have ended.")
	for _, k := range slices.SortedFunc(maps.Keys(m.requests), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		fmt.Fprintf(&out, "carat_requests_total{path=%q,status=%q} %d\n", k[0], k[1], m.requests[k])
	}
	head("carat_request_duration_seconds", "histogram", "How long requests took.")
	for _, path := range slices.Sorted(maps.Keys(m.seconds)) {
		m.seconds[path].write(&out, path)
	}
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
}

func (h *histogram) write(out *strings.Builder, path string) {
	const name = "carat_request_duration_seconds"
	var total int64
	for i, n := range h.counts {
		total += n
		le := "+Inf"
		if i < len(bounds) {
			le = fmt.Sprint(bounds[i])
		}
		fmt.Fprintf(out, "%s_bucket{path=%q,le=%q} %d\n", name, path, le, total)
	}
	fmt.Fprintf(out, "%s_sum{path=%q} %g\n%s_count{path=%q} %d\n", name, path, h.sum, name, path, total)
}
