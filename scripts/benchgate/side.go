package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// side is one of the two commits.
type side struct {
	name, commit, dir string
	tests             []test
	results           strings.Builder // in Go's benchmark format
}

// test is the test binary of a package, which runs in the package's folder.
type test struct{ binary, folder string }

// checkOut makes a worktree of the commit.
func (s *side) checkOut(ctx context.Context) error {
	return s.command(ctx, "", "git", "worktree", "add", "--quiet", "--detach", s.dir, s.commit)
}

// remove takes the worktree away again; interrupted or not.
func (s *side) remove() {
	_ = exec.Command("git", "worktree", "remove", "--force", s.dir).Run()
}

// build makes the test binaries of packages, such as ./runtime/kernel. A package that the commit does not have is left
// out.
func (s *side) build(ctx context.Context, dir string, packages []string) error {
	for i, p := range packages {
		t := test{filepath.Join(dir, fmt.Sprintf("%s-%d.test", s.name, i)), filepath.Join(s.dir, p)}
		if _, err := os.Stat(t.folder); err != nil {
			fmt.Fprintf(os.Stderr, "benchgate: %s has no %s\n", s.commit, p)
			continue
		}
		if err := s.command(ctx, s.dir, "go", "test", "-c", "-o", t.binary, p); err != nil {
			return err
		}
		s.tests = append(s.tests, t)
	}
	return nil
}

// run runs all benchmarks once.
func (s *side) run(ctx context.Context, bench, benchtime string) error {
	for _, t := range s.tests {
		c := exec.CommandContext(ctx, t.binary, "-test.run", "^$", "-test.bench", bench, "-test.benchtime", benchtime, "-test.benchmem")
		c.Dir, c.Stderr = t.folder, os.Stderr
		out, err := c.Output()
		if err != nil {
			return fmt.Errorf("benchmarks of %s in %s: %w: %s", s.commit, filepath.Base(t.folder), err, last(out))
		}
		s.results.Write(out)
	}
	return nil
}

func (s *side) command(ctx context.Context, dir string, argv ...string) error {
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %s: %w: %s", s.commit, strings.Join(argv[:2], " "), err, last(out))
	}
	return nil
}

// last is the end of what a command said.
func last(out []byte) string {
	return strings.TrimSpace(string(out[max(0, len(out)-500):]))
}
