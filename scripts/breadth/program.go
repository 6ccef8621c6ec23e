package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// program is a carat that was built for this run.
type program struct{ folder string }

func buildCarat() (program, error) {
	folder, err := os.MkdirTemp("", "breadth")
	if err != nil {
		return program{}, err
	}
	p := program{folder}
	if out, err := exec.Command("go", "build", "-o", p.path(), "./cmd/carat").CombinedOutput(); err != nil { // #nosec G204
		p.remove()
		return program{}, fmt.Errorf("go build ./cmd/carat: %w\n%s", err, out)
	}
	return p, nil
}

func (p program) path() string { return filepath.Join(p.folder, "carat") }

func (p program) remove() { _ = os.RemoveAll(p.folder) }

// try converts a folder, verifies the file and runs it. What is not taken is an answer, beside what was said.
func (p program) try(dir string) (architecture string, verify, run answer, err error) {
	file := filepath.Join(p.folder, "model.gguf")
	if a := p.call("convert", dir, "-o", file, "--outtype", "f32"); !a.ok {
		return "", a, a, nil // the column convert says more
	}
	f, err := gguf.Open(file)
	if err != nil {
		return "", answer{}, answer{}, err
	}
	architecture = f.Metadata().Architecture()
	_, encoder := f.Metadata().Get(architecture + ".attention.causal")
	if err := f.Close(); err != nil {
		return "", answer{}, answer{}, err
	}
	verify = p.call("verify", file)
	if encoder {
		return architecture, verify, p.call("embed", file, "the quick brown fox", "--pooling", "mean"), nil
	}
	return architecture, verify, p.call("run", file, "-p", "the quick brown fox", "-n", "8"), nil
}

// answer is whether a verb took a model, and all that it said.
type answer struct {
	ok   bool
	said string
}

func (p program) call(args ...string) answer {
	out, err := exec.Command(p.path(), args...).CombinedOutput() // #nosec G204 -- the program built above
	return answer{err == nil, strings.TrimSpace(string(out))}
}
