package measure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/gguf"
)

// Fail records why m cannot be measured. Reports hold no paths: the one that err names m by becomes its name.
func (m *Model) Fail(path string, err error) {
	m.Failure = strings.ReplaceAll(err.Error(), path, m.ID.Name)
}

// Fail is m.Fail for a candidate of j, whose reference err may name by its path, too.
func (j *Job) Fail(m *Model, path string, err error) {
	m.Fail(path, err)
	if r := j.Reference; r != nil && r.Loaded.Name != "" {
		m.Failure = strings.ReplaceAll(m.Failure, r.Loaded.Name, r.ID.Name)
	}
}

// fail records a fault of one candidate, and reports whether err is one.
func (j *Job) fail(err error) bool {
	var fault *eval.ModelError
	if !errors.As(err, &fault) || fault.Candidate < 0 || !errors.Is(err, gguf.ErrInput) {
		return false
	}
	m := &j.Candidates[fault.Candidate]
	j.Fail(m, m.Loaded.Name, fault)
	if j.series != nil {
		j.series[fault.Candidate] = nil
	}
	return true
}

// Failures is an error that names the candidates that failed and why, or nil. It wraps gguf.ErrInput.
func (j *Job) Failures() error {
	var failed []string
	for _, c := range j.Candidates {
		if c.Failure != "" {
			if !strings.Contains(c.Failure, c.ID.Name) {
				c.Failure = c.ID.Name + ": " + c.Failure
			}
			failed = append(failed, c.Failure)
		}
	}
	if failed == nil {
		return nil
	}
	return fmt.Errorf("%w: %d of %d models could not be measured: %s", gguf.ErrInput, len(failed), len(j.Candidates), strings.Join(failed, "; "))
}
