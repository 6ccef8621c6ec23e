package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// runner runs carat on files of a folder.
type runner struct {
	carat, work string
	threads     int
	log         io.Writer
}

// path is that of a file of the folder.
func (r *runner) path(name string) string { return filepath.Join(r.work, name) }

// build makes carat of this tree, unless it is given.
func (r *runner) build(ctx context.Context) error {
	if r.carat != "" {
		return nil
	}
	r.carat = r.path("carat")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", r.carat, "./cmd/carat").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// run runs carat and returns its standard output. Its error has the last of what it said.
func (r *runner) run(ctx context.Context, args ...string) ([]byte, error) {
	args = append(args, "--no-progress", "--threads", strconv.Itoa(r.threads))
	c := exec.CommandContext(ctx, r.carat, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it keeps what it has
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	start := time.Now()
	err := c.Run()
	fmt.Fprintf(r.log, "%6.0f s  carat %s\n", time.Since(start).Seconds(), shown(args))
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		return nil, fmt.Errorf("carat %s: %w: %s", args[0], err, said[max(0, len(said)-500):])
	}
	return stdout.Bytes(), nil
}

// once makes the file of that name, unless it is there: carat names its files when they are whole.
func (r *runner) once(ctx context.Context, name string, args ...string) (string, error) {
	path := r.path(name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err := r.run(ctx, append(args, "-o", path, "--quiet")...)
	return path, err
}

// shown is a command without folders.
func shown(args []string) string {
	words := make([]string, len(args))
	for i, w := range args {
		name, path, ok := strings.Cut(w, "=")
		switch {
		case ok && filepath.IsAbs(path):
			w = name + "=" + filepath.Base(path)
		case filepath.IsAbs(w):
			w = filepath.Base(w)
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}
