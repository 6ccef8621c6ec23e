package main

import (
	"errors"
	"io"
	"os"

	"github.com/carat-llm/carat/gguf"
)

// checkedOutput is standard output. It keeps its first error, which run looks at in the end, so that no verb has to ask
// after each line whether the disk was full or the reader gone.
type checkedOutput struct {
	w   io.Writer
	err error
}

// Write fails for good once it has failed.
func (o *checkedOutput) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		if path := (*os.PathError)(nil); errors.As(err, &path) {
			err = path.Err // "write /dev/stdout" says it twice
		}
		o.err = &outputError{err}
		return n, o.err
	}
	return n, nil
}

// outputError is standard output's first error.
type outputError struct{ err error }

func (e *outputError) Error() string { return "cannot write to standard output: " + e.err.Error() }

func (e *outputError) Unwrap() []error { return []error{gguf.ErrEnvironment, e.err} }

// verdict is err, or the failure of standard output when err says nothing worse: a verdict that nobody could read is none.
func (o *checkedOutput) verdict(err error) error {
	if o.err == nil || errors.Is(err, o.err) {
		return err
	}
	switch exitCode(err) {
	case exitRefused, exitInconclusive:
		return o.err
	}
	if err == nil {
		return o.err
	}
	return err
}

// uncheckedOutput is standard error: a message that nobody reads is no reason to stop.
type uncheckedOutput struct{ w io.Writer }

func (o uncheckedOutput) Write(p []byte) (int, error) {
	_, _ = o.w.Write(p)
	return len(p), nil
}

// fileOf is the file behind a stream, or nil.
func fileOf(w io.Writer) *os.File {
	switch o := w.(type) {
	case *os.File:
		return o
	case *checkedOutput:
		return fileOf(o.w)
	case uncheckedOutput:
		return fileOf(o.w)
	}
	return nil
}
