package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/carat-llm/carat/gguf"
)

// failure is an error in OpenAI's form.
type failure struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (f *failure) Error() string { return f.Message }

// invalid is what is wrong with a field of the request.
func invalid(param, format string, args ...any) *failure {
	f := &failure{status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Type: "invalid_request_error"}
	if param != "" {
		f.Param, f.Message = &param, param+": "+f.Message
	}
	return f
}

func (f *failure) withCode(code string) *failure { f.Code = &code; return f }

func refused(status int, kind, code, format string, args ...any) *failure {
	return (&failure{status: status, Message: fmt.Sprintf(format, args...), Type: kind}).withCode(code)
}

// errTimeout is the cause of contexts that ended by Options.Timeout.
var errTimeout = errors.New("the request took longer than the server allows")

// failureOf is what a client is told of an error.
func failureOf(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, errFull):
		return refused(http.StatusTooManyRequests, "rate_limit_error", "queue_full", "%v", err)
	case errors.Is(err, errStopped):
		return refused(http.StatusServiceUnavailable, "server_error", "stopping", "%v", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refused(http.StatusRequestTimeout, "invalid_request_error", "slow_body", "the body of the request did not come in time")
	case errors.Is(err, errTimeout):
		return refused(http.StatusGatewayTimeout, "server_error", "timeout", "%v", err)
	case errors.Is(err, gguf.ErrInput):
		return invalid("", "%v", err)
	case errors.Is(err, context.Canceled):
		return refused(499, "server_error", "cancelled", "the client has gone")
	}
	return refused(http.StatusInternalServerError, "server_error", "internal", "%v", err)
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	f := failureOf(err)
	if f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, f.status, map[string]*failure{"error": f})
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be written as JSON","type":"server_error"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // who does not read it has gone
}
