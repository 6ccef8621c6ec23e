package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// standardInput is read whole, once, however often its text is asked for.
type standardInput struct {
	r    io.Reader
	once sync.Once
	b    []byte
	err  error
}

// Read is for whoever wants the stream itself.
func (i *standardInput) Read(p []byte) (int, error) { return i.r.Read(p) }

// bytes are all of it, UTF-8 and with the limit that text files have.
func (i *standardInput) bytes() ([]byte, error) {
	i.once.Do(func() {
		if i.b, i.err = io.ReadAll(io.LimitReader(i.r, inputfile.MaxText+1)); i.err != nil {
			i.err = fmt.Errorf("%w: standard input: %w", gguf.ErrEnvironment, i.err)
		} else if len(i.b) > inputfile.MaxText {
			i.err = fmt.Errorf("%w: standard input has more than %d bytes, the most that is read of a text", gguf.ErrInput, int64(inputfile.MaxText))
		} else {
			i.err = inputfile.CheckUTF8("standard input", i.b)
		}
	})
	return i.b, i.err
}

// piped reports whether somebody gave standard input something to read: it is a pipe or a file, not a terminal.
func (i *standardInput) piped() bool {
	f, ok := i.r.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && (st.Mode().IsRegular() || st.Mode()&os.ModeNamedPipe != 0)
}

// stdinOf is what run has put into streams.
func stdinOf(r io.Reader) *standardInput {
	if in, ok := r.(*standardInput); ok {
		return in
	}
	return &standardInput{r: r}
}

// readText reads the text at path, or standard input for "-". All verbs read texts by it, or by readTexts.
func readText(in io.Reader, path string) (text.Text, error) {
	if path != "-" {
		return text.ReadText(path)
	}
	b, err := stdinOf(in).bytes()
	return text.NewText("stdin", "stdin", string(b)), err
}

// readSlices is readText for an evaluation file, which may hold several slices.
func readSlices(in io.Reader, path, name string, fields text.JSONL) ([]text.Text, error) {
	if path != "-" {
		return text.ReadTexts(path, name, fields)
	}
	t, err := readText(in, path)
	t.Name = cmp.Or(name, t.Name)
	return []text.Text{t}, err
}

// readPrompt is the text of -p, of standard input for "-", or, when there is no -p, of what is piped in. One line feed
// at its end is the pipe's.
func readPrompt(in io.Reader, prompt string, given bool) (string, error) {
	i := stdinOf(in)
	if given && prompt != "-" || !given && !i.piped() {
		return prompt, nil
	}
	b, err := i.bytes()
	s := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(s, "\r"), err
}
