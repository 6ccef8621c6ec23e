package ci

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// GitHubOptions is what GitHub needs besides the report.
type GitHubOptions struct {
	PolicyPath string // of the policy's file; "" for the built-in one
	ReportPath string // where report.json was written
	Markdown   Render
}

// GitHub does what a step of GitHub Actions asks for by its environment (env is os.Getenv):
//
//	GITHUB_ACTIONS=true      annotations to w, which is the step's log
//	GITHUB_OUTPUT            Outputs appended to that file
//	GITHUB_STEP_SUMMARY      StepSummary appended to that file, up to its 1 MiB
//	CARAT_COMMENT_FILE       Comment written to that file; its name is CARAT_GATE_NAME, "gate" when unset
//
// What is unset is left out: without any of them nothing happens. An error wraps gguf.ErrEnvironment.
func GitHub(env func(string) string, w io.Writer, r *report.Report, o GitHubOptions) error {
	if env("GITHUB_ACTIONS") == "true" {
		if err := Annotations(w, r, repositoryPath(env("GITHUB_WORKSPACE"), o.PolicyPath)); err != nil {
			return err
		}
	}
	if path := env("GITHUB_OUTPUT"); path != "" {
		var b bytes.Buffer
		if err := WriteOutputs(&b, Outputs(r, o.ReportPath)); err != nil {
			return err
		}
		if err := appendFile(path, b.Bytes()); err != nil {
			return err
		}
	}
	if path := env("GITHUB_STEP_SUMMARY"); path != "" {
		var used int64
		if st, err := os.Stat(path); err == nil {
			used = st.Size()
		}
		var b bytes.Buffer
		if err := StepSummary(&b, r, o.Markdown, MaxSummary-int(min(used, MaxSummary))); err != nil {
			return err
		}
		if err := appendFile(path, b.Bytes()); err != nil {
			return err
		}
	}
	if path := env("CARAT_COMMENT_FILE"); path != "" {
		name := env("CARAT_GATE_NAME")
		if name == "" {
			name = "gate"
		}
		var b bytes.Buffer
		if err := Comment(&b, r, name, o.Markdown); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(path, b.Bytes()); err != nil {
			return fmt.Errorf("%w: the comment's body: %w", gguf.ErrEnvironment, err)
		}
	}
	return nil
}

// repositoryPath is path as annotations want it: from the repository's root, with slashes. Outside of it there is
// nothing to point at.
func repositoryPath(workspace, path string) string {
	if path == "" {
		return ""
	}
	if workspace != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return ""
		}
		if path, err = filepath.Rel(workspace, abs); err != nil {
			return ""
		}
	}
	path = filepath.ToSlash(filepath.Clean(path))
	if path == ".." || strings.HasPrefix(path, "../") || filepath.IsAbs(path) {
		return ""
	}
	return path
}

// appendFile adds b to a file of the runner's: a protocol of lines, not an output of ours.
func appendFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	_, err = f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	return nil
}
