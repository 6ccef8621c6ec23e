// Package cache keeps results under the SHA-256 of everything that they were made from: the bytes of the inputs, the
// parameters and the build of carat. The same question then has its answer in a file, and a question that differs in
// anything is another question: nothing is ever invalidated.
//
// A folder holds one file an answer, KEY.json, and sums.json (see [Sums]). These may be deleted at any time, in whole or
// in part, and the folder may be carried from one run of a CI pipeline to the next. The folder baselines in it is no
// cache: reports of releases that later ones are compared with, which nothing makes again.
package cache

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Dir is a cache folder.
type Dir struct {
	path string
	Sums *Sums
}

// Open makes the folder if it is not there.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	return At(path), nil
}

// At is the folder as it is, which may be missing.
func At(path string) *Dir { return &Dir{path, OpenSums(filepath.Join(path, "sums.json"))} }

// maxAnswer is the size of the largest answer that is read back, and of sums.json.
const maxAnswer = 1 << 30

// Get returns the answer stored for key. Using it makes it young again for GC.
func (d *Dir) Get(key string) ([]byte, bool) {
	path := d.file(key)
	b, err := inputfile.ReadSmall(path, maxAnswer)
	if err != nil {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // a folder that cannot be written still answers
	return b, true
}

// Put stores the answer for key.
func (d *Dir) Put(key string, answer []byte) error {
	return atomicfile.WriteFile(d.file(key), answer)
}

func (d *Dir) file(key string) string { return filepath.Join(d.path, key+".json") }

// answers lists what is stored under keys.
func (d *Dir) answers() ([]fs.FileInfo, error) {
	names, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, n := range names {
		key, ok := strings.CutSuffix(n.Name(), ".json")
		if !ok || len(key) != 2*sha256.Size {
			continue
		}
		info, err := n.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process was faster
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}

// GC deletes the answers that were not used for the longest time until those left have at most max bytes together.
func (d *Dir) GC(max int64) (deleted int, err error) {
	answers, err := d.answers()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, a := range answers {
		total += a.Size()
	}
	slices.SortFunc(answers, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, a := range answers {
		if total <= max {
			break
		}
		if err := os.Remove(filepath.Join(d.path, a.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return deleted, fmt.Errorf("cache: %w", err)
		}
		total -= a.Size()
		deleted++
	}
	return deleted, nil
}
