package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// goldenTests are the tests that compare with golden data, by package.
var goldenTests = []struct{ pkg, tests string }{
	{"./convert", "TestGoldenArch|TestGoldenVariants|TestGoldenPrequant"},
	{"./runtime/model", "TestGoldenLogits"},
	{"./runtime/tokenizer", "TestGoldenIDs|TestGoldenGGUF"},
}

// summaries are the tests that have a row each.
var summaries = []struct{ what, test string }{
	{"files of golden/arch, whole", "TestGoldenArch"},
	{"logits of golden/arch", "TestGoldenLogits"},
	{"variants of configs, whole files", "TestGoldenVariants"},
	{"quantized checkpoints, tensors and keys", "TestGoldenPrequant"},
	{"texts of Hugging Face tokenizers", "TestGoldenIDs"},
	{"texts of llama.cpp's vocabularies", "TestGoldenGGUF"},
}

// result is what a test said.
type result struct {
	ran, passed bool
	matched, of int       // "matched N of M"
	distances   []float64 // "largest distance of a logit: D"
	exception   string    // "exception: REASON"
}

// runTests runs the golden tests and returns what each said, by its name.
func runTests(golden string) (map[string]*result, error) {
	results := map[string]*result{}
	for _, g := range goldenTests {
		c := exec.Command("go", "test", "-count=1", "-json", "-run", "^("+g.tests+")$", g.pkg) // #nosec G204 -- our own tests
		c.Env = append(os.Environ(), "CARAT_GOLDEN="+golden)
		c.Stderr = os.Stderr
		out, err := c.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return nil, fmt.Errorf("go test %s: %w", g.pkg, err)
		}
		if err := read(bytes.NewReader(out), results); err != nil {
			return nil, fmt.Errorf("go test %s: %w", g.pkg, err)
		}
	}
	return results, nil
}

var (
	matchedLine   = regexp.MustCompile(`: matched (\d+) of (\d+)`)
	distanceLine  = regexp.MustCompile(`: largest distance of an? \w+: (\S+)`)
	exceptionLine = regexp.MustCompile(`: exception: (.*)`)
)

// read adds the events of one `go test -json`.
func read(events io.Reader, results map[string]*result) error {
	for d := json.NewDecoder(events); ; {
		var e struct{ Action, Test, Output string }
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if e.Test == "" {
			continue
		}
		r := results[e.Test]
		if r == nil {
			r = &result{}
			results[e.Test] = r
		}
		switch e.Action {
		case "pass", "fail":
			r.ran, r.passed = true, e.Action == "pass"
		case "output":
			r.line(strings.TrimSuffix(e.Output, "\n"))
		}
	}
}

func (r *result) line(s string) {
	if m := matchedLine.FindStringSubmatch(s); m != nil {
		r.matched, _ = strconv.Atoi(m[1])
		r.of, _ = strconv.Atoi(m[2])
	}
	if m := distanceLine.FindStringSubmatch(s); m != nil {
		if d, err := strconv.ParseFloat(m[1], 64); err == nil {
			r.distances = append(r.distances, d)
		}
	}
	if m := exceptionLine.FindStringSubmatch(s); m != nil {
		r.exception = m[1]
	}
}
