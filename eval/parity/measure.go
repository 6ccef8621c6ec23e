package parity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Chunks are scored when nothing else is said: a file that is read wrongly shows in the first one.
const Chunks = 4

// Input is what the program is asked.
type Input struct {
	Model   string // path
	Text    string // itself
	Tokens  int    // of the text
	Context int    // tokens in a chunk
	Chunks  int    // Chunks when 0
	Threads int
}

// Measure runs the program, once more when the end of what it prints is missing. What comes of the file, a refusal
// included, is the answer's to tell; errors are ctx's, or wrap gguf.ErrEnvironment.
func (p *Program) Measure(ctx context.Context, in Input) (*Answer, error) {
	a := &Answer{Result: Result{Version: p.Version}, asked: in.Chunks}
	if a.asked == 0 {
		a.asked = Chunks
	}
	if in.Tokens < 2*in.Context {
		a.Unmeasured = fmt.Sprintf("llama-perplexity needs two chunks of %d tokens, the first text has %d tokens", in.Context, in.Tokens)
		return a, nil
	}
	model, err := filepath.Abs(in.Model) // no path that looks like an option
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	text, err := temporary(in.Text)
	if err != nil {
		return nil, fmt.Errorf("%w: the text for llama-perplexity: %w", gguf.ErrEnvironment, err)
	}
	defer os.Remove(text)
	args := []string{"-m", model, "-f", text, "-c", strconv.Itoa(in.Context), "--chunks", strconv.Itoa(a.asked)}
	if in.Threads > 0 {
		args = append(args, "-t", strconv.Itoa(in.Threads))
	}
	for range 2 {
		out, err := p.run(ctx, args...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if a.take(out, err) {
			break
		}
	}
	return a, nil
}

// take reads one run's output, and says whether all that can be expected was there.
func (a *Answer) take(out output, err error) (whole bool) {
	a.Refused, a.Unmeasured = "", ""
	log := lastLines(out.stderr, maxMessage)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && killed(exit):
		a.Unmeasured = "the system ended llama-perplexity: is there memory enough?"
		return true
	case errors.As(err, &exit):
		if a.Refused = log; log == "" {
			a.Refused = exit.Error()
		}
		return log != ""
	case err != nil:
		a.Unmeasured = "llama-perplexity: " + err.Error()
		return true
	}
	if e := parse(out); e.known(a.asked) >= a.estimates.known(a.asked) {
		a.estimates = e
	}
	known := a.estimates.known(a.asked)
	if known == 0 {
		a.Unmeasured = strings.TrimSuffix("llama-perplexity printed no perplexity: "+log, ": ")
	}
	return known == a.asked
}

// known is the most chunks, of those asked for, that there is an estimate of.
func (e *estimates) known(asked int) int {
	if _, ok := e.after(asked, asked); ok {
		return asked
	}
	return len(e.running)
}

// temporary is a file of which the program reads text: it leaves out a line end at the end, so that one is added.
func temporary(text string) (path string, err error) {
	f, err := os.CreateTemp("", "carat-parity-*.txt")
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
