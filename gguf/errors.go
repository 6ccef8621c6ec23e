package gguf

import "errors"

var (
	// ErrInput is wrapped by every error about a file or checkpoint that is at fault (exit code 4).
	ErrInput = errors.New("bad input")
	// ErrEnvironment is wrapped by every error about what the machine cannot do, as a full disk (exit code 5).
	ErrEnvironment = errors.New("the environment cannot")
)
