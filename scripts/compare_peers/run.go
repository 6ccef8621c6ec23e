package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runner runs commands with a limit.
type runner struct {
	limit time.Duration
	log   io.Writer
	under []string // what all commands are given to, such as taskset
	used  *float64 // seconds of processors that commands took
}

// outcome is what a command gave and took.
type outcome struct {
	stdout, stderr []byte
	wall           float64 // seconds
	rss            int64   // bytes resident at the most
}

// run runs one command to its end. Its error has the last of what it said.
func (r runner) run(ctx context.Context, argv ...string) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	whole := slices.Concat(r.under, argv)
	c := exec.CommandContext(ctx, whole[0], whole[1:]...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	start := time.Now()
	err := c.Run()
	o := outcome{stdout: stdout.Bytes(), stderr: stderr.Bytes(), wall: time.Since(start).Seconds()}
	if c.ProcessState != nil { // it began
		o.rss = resident(c.ProcessState)
		*r.used += (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
	}
	fmt.Fprintf(r.log, "%6.1f s  %s\n", o.wall, shown(argv))
	if ctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("took longer than %v", r.limit)
	}
	if err != nil {
		said := strings.TrimSpace(string(append(o.stdout, o.stderr...)))
		err = fmt.Errorf("%s: %w: %s", filepath.Base(argv[0]), err, said[max(0, len(said)-300):])
	}
	return o, err
}

// shown is a command without the folders of this machine, as documents tell it.
func shown(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		if filepath.IsAbs(w) {
			w = filepath.Base(w)
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}
