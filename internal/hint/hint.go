// Package hint lets an error carry what to do about it, apart from what is wrong:
//
//	carat: error: w.safetensors is a Git LFS pointer, not the file
//	hint: run git lfs pull
//
// The command line prints the hint on its own line, and as a field of its own in JSON. Error() stays the
// message alone, so that wrapping an error does not put the advice in the middle of a sentence.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Wrap returns err with a hint; nil stays nil.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Of returns the outermost hint of err, or "".
func Of(err error) string {
	if h := (*hinted)(nil); errors.As(err, &h) {
		return h.hint
	}
	return ""
}
