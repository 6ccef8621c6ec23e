// Package parity asks llama.cpp what a file predicts there: a GGUF file that only carat reads, or that means something
// else elsewhere, is of no use to anybody.
//
// [Find] finds llama.cpp's program llama-perplexity. [Program.Measure] has it score the first chunks of a text, which it
// cuts and scores as package eval/run does, and reads the running perplexities that it prints. [Answer.Against] compares
// them with carat's over the same chunks. Of F32 and F16 files they are the same to
// 0.002 % (SmolLM2-135M); of quantized ones they differ by up to about 1 %, either way, probably since llama.cpp then
// rounds activations to 8 bits and carat does not. docs/policy.md has the figures.
//
// The program is run without a shell, with a time limit, and without the LLAMA_ variables of the environment, which
// would change what it does.
package parity

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Limit is how long the program may take, to load the file and score the chunks.
const Limit = 10 * time.Minute

// Variable of the environment that names the program.
const Variable = "CARAT_LLAMA_PERPLEXITY"

const (
	probeLimit = 10 * time.Second // for --version
	waitDelay  = time.Second      // for what an ended program has started
	maxOutput  = 256 << 10        // bytes kept of either output
)

// Program is a llama-perplexity that runs here.
type Program struct {
	Path    string
	Version string        // as it prints it; may be empty
	Limit   time.Duration // Limit when 0
}

// Find finds the program: name, a path or what PATH has, or else that of Variable, or else llama-perplexity in PATH. It
// must answer to --version. Errors say what to do, without paths; they are ctx's when ctx has ended.
func Find(ctx context.Context, name string) (*Program, error) {
	given := cmp.Or(name, os.Getenv(Variable))
	path, err := exec.LookPath(cmp.Or(given, "llama-perplexity"))
	if err == nil || errors.Is(err, exec.ErrDot) {
		path, err = filepath.Abs(path)
	}
	switch {
	case err != nil && given == "":
		return nil, fmt.Errorf("llama-perplexity was not found: put it in PATH, or name it with --llama-perplexity, target.llama_cpp in the policy, or $%s", Variable)
	case err != nil:
		return nil, fmt.Errorf("%s is not a program that can be run", filepath.Base(given))
	}
	p := &Program{Path: path, Limit: probeLimit}
	out, err := p.run(ctx, "--version")
	p.Limit = 0
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s --version failed: %w: is it llama-perplexity, and does it run on this machine? %s", filepath.Base(path), err, lastLines(out.stderr, maxMessage))
	}
	if m := versionLine.FindStringSubmatch(out.stdout + "\n" + out.stderr); m != nil {
		p.Version = clean(m[1], 100)
	}
	return p, nil
}

var versionLine = regexp.MustCompile(`(?m)^version: *(.+)$`)

// output is the end of what a program printed.
type output struct{ stdout, stderr string }

// run runs the program. The error is an *exec.ExitError, an errSlow, or about a program that could not be started.
func (p *Program) run(ctx context.Context, args ...string) (output, error) {
	limit := cmp.Or(p.Limit, Limit)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(limited, p.Path, args...) //nolint:gosec // the program that the user names
	var stdout, stderr tail
	c.Stdout, c.Stderr, c.WaitDelay = &stdout, &stderr, waitDelay
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LLAMA_") {
			c.Env = append(c.Env, v)
		}
	}
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it has ended, something that it started has not
		err = nil
	case limited.Err() != nil:
		err = fmt.Errorf("%w of %v", errSlow, limit)
	case errors.As(err, &exit):
	default:
		err = errors.New("it could not be started") // the error has the path
	}
	return output{stdout.String(), stderr.String()}, err
}

var errSlow = errors.New("it took longer than the limit")

// killed says that the system ended the program, which it does when memory is short: that is no answer about a file.
func killed(e *exec.ExitError) bool {
	s, ok := e.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	if n := t.Len() + len(b) - maxOutput; n > 0 {
		t.Next(min(n, t.Len()))
		t.Buffer.Write(b[max(0, len(b)-maxOutput):])
		return len(b), nil
	}
	return t.Buffer.Write(b)
}
