package gguf

import (
	"errors"
	"fmt"

	"github.com/carat-llm/carat/internal/inputfile"
)

var (
	// ErrInput is wrapped by every error about a file or checkpoint that is at fault (exit code 4).
	ErrInput = inputfile.ErrInput
	// ErrEnvironment is wrapped by every error about what the machine cannot do, as a full disk (exit code 5).
	ErrEnvironment = errors.New("cannot do this here")
	// ErrUnsupported is wrapped by errors about models that may well be sound but that carat does not evaluate. It
	// wraps ErrInput.
	ErrUnsupported error = unsupported{}
)

type unsupported struct{}

func (unsupported) Error() string { return "not supported" }
func (unsupported) Unwrap() error { return ErrInput }

// FormatError says where a GGUF file is malformed. It wraps ErrInput.
type FormatError struct {
	Path   string
	Offset int64  // in the file, of the byte after what was read last
	Place  string // as "metadata general.name" or "tensor blk.0.attn_q.weight"
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: bad gguf: %s (at byte %d): %s", e.Path, e.Place, e.Offset, e.Reason)
}

// Unwrap makes errors.Is(err, ErrInput) true.
func (e *FormatError) Unwrap() error { return ErrInput }
