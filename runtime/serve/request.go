package serve

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// decode reads the JSON object that a request has as its body; fields that v does not have are left out.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, v any) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.o.WriteTimeout)) // where that can be set
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, s.o.MaxBody))
	if err := d.Decode(v); err != nil {
		return badBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return badBody(err)
		}
		return invalid("", "the body goes on behind the JSON object")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return nil
}

func badBody(err error) error {
	var kind *json.UnmarshalTypeError
	var large *http.MaxBytesError
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
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
