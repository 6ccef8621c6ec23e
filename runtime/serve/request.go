package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// decode reads the JSON object that a request has as its body; fields that v does not have are left out.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, v any) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.o.WriteTimeout)) // where that can be set
	held := &heldBody{from: http.MaxBytesReader(w, r.Body, s.o.MaxBody), total: &s.bodies, most: mostBodies * s.o.MaxBody}
	context.AfterFunc(r.Context(), held.release)
	body, err := io.ReadAll(held)
	if err != nil {
		return badBody(err)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if brackets, commas := countJSON(body); brackets > mostBrackets || commas > mostCommas {
		return invalid("", "the body has more than %d objects and arrays or %d values", mostBrackets, mostCommas)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return badBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("", "the body goes on behind the JSON object")
	}
	return nil
}

// What requests hold in memory. An object of three bytes in JSON may be a message of some hundred.
const (
	mostBodies   = 4       // bodies of the largest size, of all requests together
	mostBrackets = 1 << 16 // objects and arrays of a request
	mostCommas   = 1 << 21 // values of a request: tokens are given as numbers
)

// heldBody is a body that counts with those of all requests until its own ends.
type heldBody struct {
	from  io.Reader
	total *atomic.Int64
	most  int64

	mu       sync.Mutex
	bytes    int64
	released bool
}

func (h *heldBody) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return 0, context.Canceled
	}
	h.bytes += int64(n)
	if h.total.Add(int64(n)) > h.most {
		return 0, errFull
	}
	return n, err
}

func (h *heldBody) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.released {
		h.total.Add(-h.bytes)
	}
	h.released = true
}

// countJSON counts opening brackets and commas outside of strings.
func countJSON(b []byte) (brackets, commas int) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			brackets++
		case ',':
			commas++
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return brackets, commas
}

func badBody(err error) error {
	var kind *json.UnmarshalTypeError
	var large *http.MaxBytesError
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, errFull), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.As(err, &kind) && kind.Field != "":
		return invalid(strings.TrimPrefix(kind.Field, "params."), "found a JSON %s, expected %s", kind.Value, expected(kind))
	case errors.As(err, &large):
		return refused(http.StatusRequestEntityTooLarge, "invalid_request_error", "too_large", "the body is larger than %d bytes", large.Limit)
	case errors.Is(err, io.EOF):
		return invalid("", "the body is empty, expected a JSON object")
	}
	return invalid("", "the body is no JSON object: %v", err)
}

// expected names a type as JSON does.
func expected(err *json.UnmarshalTypeError) string {
	switch kind := err.Type.Kind().String(); kind {
	case "bool":
		return "true or false"
	case "slice":
		return "an array"
	case "struct", "map":
		return "an object"
	case "float64", "float32":
		return "a number"
	case "int", "int32", "int64":
		return "a whole number"
	case "uint64":
		return "a whole number of at least 0"
	default:
		return "a " + kind
	}
}

// texts is a string or several.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		if string(b) != "null" {
			*t = texts{one}
		}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) != nil {
		return errors.New("found neither a string nor an array of strings")
	}
	*t = many
	return nil
}

// prompts are texts, or tokens.
type prompts struct {
	texts  []string
	tokens [][]int32
}

func (p *prompts) UnmarshalJSON(b []byte) error {
	var t texts
	var one []int32
	var many [][]int32
	switch {
	case t.UnmarshalJSON(b) == nil:
		p.texts = t
	case json.Unmarshal(b, &one) == nil:
		p.tokens = [][]int32{one}
	case json.Unmarshal(b, &many) == nil:
		p.tokens = many
	default:
		return errors.New("found neither a string nor an array of strings, of tokens or of arrays of tokens")
	}
	return nil
}
