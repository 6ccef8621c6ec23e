package job

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/run"
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

// fail records why candidate i is not measured.
func (j *Job) fail(i int, err error) {
	m := &j.Candidates[i]
	j.Fail(m, m.Loaded.Name, err)
	if j.series != nil {
		j.series[i] = nil
	}
}

// tolerate records the fault of candidate i and returns nil if the job goes on without it, and else the error.
func (j *Job) tolerate(i int, err error) error {
	if !j.Tolerant || !errors.Is(err, gguf.ErrInput) {
		return &run.ModelError{Candidate: i, Err: err}
	}
	j.fail(i, err)
	return nil
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
