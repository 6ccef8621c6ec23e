package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/vocab"
	"github.com/carat-llm/carat/eval/gate"
	gaterun "github.com/carat-llm/carat/eval/gate/run"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/quantize"
)

// Exit codes, as `carat --help` lists them.
const (
	exitRefused      = 1
	exitUsage        = 2
	exitInconclusive = 3
	exitInput        = 4
	exitEnvironment  = 5
	exitBug          = 70
	exitInterrupted  = 130
)

// usageError is a command line that cannot be meant.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// outOfRange says that a flag's value is not between low and high.
func outOfRange(flag string, low, high, got any) error {
	return usagef("%s must be between %v and %v (got %v)", flag, low, high, got)
}

// refusal is a gate or check that said no.
type refusal struct{ msg string }

func (e *refusal) Error() string { return e.msg }

// interruption is an interrupted run that leaves something.
type interruption struct {
	what string // how far it came
	left string // which files exist, and how to continue
}

func (e *interruption) Error() string { return e.what + "; " + e.left }

func (e *interruption) Unwrap() error { return context.Canceled }

func exitCode(err error) int {
	var usage *usageError
	var no *refusal
	var v *verdict
	var request *gaterun.UsageError
	var measurement *job.RequestError
	switch {
	case errors.As(err, &v):
		return v.code
	case errors.As(err, &no):
		return exitRefused
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &request), errors.As(err, &measurement), errors.Is(err, quantize.ErrOptions), errors.Is(err, convert.ErrOutType), errors.Is(err, gguf.ErrEdit),
		errors.Is(err, gate.ErrPolicy), errors.Is(err, vocab.ErrPre), errors.Is(err, atomicfile.ErrTarget):
		return exitUsage
	case isEnvironment(err):
		return exitEnvironment
	case errors.Is(err, gguf.ErrInput), errors.Is(err, fs.ErrNotExist):
		return exitInput
	}
	// What is left is the operating system refusing a file, or a bug.
	var path *fs.PathError
	if errors.As(err, &path) {
		return exitEnvironment
	}
	return exitBug
}

// lacking are what a system says when it has no room, no right or nobody to write to.
var lacking = []error{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EIO, syscall.EPIPE, syscall.ENOMEM, syscall.EMFILE, fs.ErrPermission,
}

// isEnvironment reports errors that are no fault of the input.
func isEnvironment(err error) bool {
	if errors.Is(err, gguf.ErrEnvironment) || errors.Is(err, atomicfile.ErrNoSpace) {
		return true
	}
	for _, e := range lacking {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
