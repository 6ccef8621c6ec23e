package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// outputs are what a run leaves: files, staged while it works and named together in commit, and what goes to standard
// output once they are there. What commit has not named abort removes.
type outputs struct {
	files  atomicfile.Batch
	stdout bytes.Buffer
}

// model adds the files of w.
func (o *outputs) model(w *gguf.Writer) { o.files.Add(w.Files()...) }

// filesOf are those of all writers.
func filesOf(writers []*gguf.Writer) (files []*atomicfile.File) {
	for _, w := range writers {
		files = append(files, w.Files()...)
	}
	return files
}

// write adds a file of that content; "-" is standard output.
func (o *outputs) write(path string, b []byte) error {
	if path == "-" {
		o.stdout.Write(b)
		return nil
	}
	return o.files.WriteFile(path, b)
}

// draw adds what a function draws.
func (o *outputs) draw(path string, draw func(io.Writer) error) error {
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		return err
	}
	return o.write(path, b.Bytes())
}

// commit gives all files their names, or none, and then prints.
func (o *outputs) commit(out io.Writer) error {
	if err := o.files.Commit(); err != nil {
		return err
	}
	if o.stdout.Len() == 0 {
		return nil
	}
	_, err := out.Write(o.stdout.Bytes())
	return err
}

// commitUnless is commit for results that an interruption forbids. From here on the run is no longer interrupted.
func (o *outputs) commitUnless(ctx context.Context, out io.Writer) error {
	reached("staged")
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := o.commit(out); err != nil {
		return err
	}
	reached("written")
	return nil
}

func (o *outputs) abort() { _ = o.files.Abort() }

// reached tells tests where a run is, so that they can end it there.
var reached = func(string) {}

// are says of files what they are: "a, b and c are complete".
func are(names []string, what string) string {
	switch n := len(names); {
	case n == 1:
		return names[0] + " is " + what
	case n > 8:
		return fmt.Sprintf("%d files, %s to %s, are %s", n, names[0], names[n-1], what)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " are " + what
	}
}

// ended is how a run ended that measured something: by err, nil or an interruption, after which it wrote files; storing
// is what went wrong with that. An interruption says what is there only if it is; of the report it has said so already.
func ended(err, storing error, files []string, report string) error {
	var left *interruption
	if !errors.As(err, &left) {
		return errors.Join(err, storing)
	}
	if storing != nil {
		return fmt.Errorf("%s, and what was measured could not be stored: %w", left.what, storing)
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return f == report })
	if len(files) > 0 {
		return &interruption{left.what, left.left + "; " + are(files, "written")}
	}
	return left
}
