package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/carat-llm/carat/internal/atomicfile"
)

// Latest is the name of the baseline that was kept last.
const Latest = "latest"

var baselineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// CheckBaseline refuses a name that no baseline can have.
func CheckBaseline(name string) error {
	if !baselineName.MatchString(name) {
		return fmt.Errorf("the name of a baseline must have at most 128 letters, digits, '.', '_' or '-' (got %q)", name)
	}
	return nil
}

// KeepBaseline stores the report of a release under its names and as the latest, in the folder baselines. GC leaves
// it alone.
func (d *Dir) KeepBaseline(report []byte, names ...string) error {
	if err := os.MkdirAll(filepath.Join(d.path, "baselines"), 0o755); err != nil {
		return err
	}
	var errs []error
	for _, n := range append(names, Latest) {
		if err := CheckBaseline(n); err != nil {
			return err
		}
		errs = append(errs, atomicfile.WriteFile(d.baseline(n), report))
	}
	return errors.Join(errs...)
}

// Baseline is the path of a baseline's report; ok is false when there is none of that name.
func (d *Dir) Baseline(name string) (path string, ok bool) {
	if d == nil || CheckBaseline(name) != nil {
		return "", false
	}
	path = d.baseline(name)
	st, err := os.Stat(path)
	return path, err == nil && st.Mode().IsRegular()
}

func (d *Dir) baseline(name string) string { return filepath.Join(d.path, "baselines", name+".json") }

// Usage is what a cache folder holds.
type Usage struct {
	Path          string `json:"path"`
	Answers       int    `json:"answers"`
	Bytes         int64  `json:"bytes"` // of the answers
	Baselines     int    `json:"baselines"`
	BaselineBytes int64  `json:"baseline_bytes"`
}

// Usage counts. A folder that is not there is empty.
func (d *Dir) Usage() (Usage, error) {
	u := Usage{Path: d.path}
	answers, err := d.answers()
	if err != nil {
		return u, err
	}
	for _, a := range answers {
		u.Answers++
		u.Bytes += a.Size()
	}
	names, err := os.ReadDir(filepath.Join(d.path, "baselines"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return u, err
	}
	for _, n := range names {
		if info, err := n.Info(); err == nil && info.Mode().IsRegular() {
			u.Baselines++
			u.BaselineBytes += info.Size()
		}
	}
	return u, nil
}
